"""Read pictures of every kind: convert them with a note, or raise an error with a code."""

import os

import numpy as np
import pytest
from PIL import Image

from saliency.io.picture import read_picture
from saliency.io.picture_opening import AVIF
from saliency.io.picture_options import PictureError

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)


def save(folder, image, name="a.png", **options):
    image.save(folder / name, **options)
    return folder / name


def test_an_rgb_picture_has_no_notes(tmp_path):
    image, notes = read_picture(save(tmp_path, Image.fromarray(COLORS)))
    assert image.mode == "RGB" and notes == []
    np.testing.assert_array_equal(np.asarray(image), COLORS)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LAB"])
def test_other_modes_are_converted_with_a_note(tmp_path, mode):
    source = Image.fromarray(COLORS).convert("RGB")
    if mode == "LAB":
        from PIL import ImageCms

        source = ImageCms.profileToProfile(
            source, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        source = source.convert(mode)
    suffix = "a.png" if mode in ("L", "1", "P") else "a.tif" if mode in ("LAB", "CMYK") else "a.jpg"
    image, notes = read_picture(save(tmp_path, source, suffix))
    assert image.mode == "RGB"
    assert notes == ([f"{mode} converted to RGB"] if mode != "YCbCr" else [])  # JPEG holds YCbCr and opens as RGB


def test_16_bit_pixels_are_scaled(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0)
    image, notes = read_picture(save(tmp_path, Image.fromarray(ramp)))
    assert notes[0] == "16-bit gray scaled to 8 bits"
    np.testing.assert_array_equal(np.asarray(image)[0, :, 0], np.arange(256))


def test_transparent_pixels_become_white(tmp_path):
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[..., 0], pixels[2:, :, 3] = 255, 255  # red; the upper half transparent
    image, notes = read_picture(save(tmp_path, Image.fromarray(pixels)))
    assert notes == ["transparent pixels blended with white"]
    assert np.asarray(image)[0, 0].tolist() == [255, 255, 255]
    assert np.asarray(image)[3, 0].tolist() == [255, 0, 0]


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    image, notes = read_picture(save(tmp_path, Image.fromarray(COLORS), "a.jpg", exif=exif))
    assert image.size == (12, 16) and notes == ["turned by EXIF orientation"]


def test_the_first_frame_of_several(tmp_path):
    frames = [Image.new("RGB", (5, 5), color) for color in ("red", "blue")]
    image, notes = read_picture(save(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:]))
    assert "first of several frames" in notes
    assert np.asarray(image)[0, 0, 0] > 250


def test_the_suffix_does_not_matter(tmp_path):
    save(tmp_path, Image.fromarray(COLORS), "a.bmp").rename(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0].size == (16, 12)


def test_a_jpeg_with_trailing_bytes_is_read(tmp_path):
    file = save(tmp_path, Image.fromarray(COLORS), "a.jpg")
    file.write_bytes(file.read_bytes() + b"junk" * 100)
    assert read_picture(file)[0].size == (16, 12)


def broken(kind, folder):
    file = folder / "a.png"
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    if kind == "EMPTY_FILE":
        file.touch()
    elif kind == "NOT_AN_IMAGE":
        file.write_text("<html>404</html>")
    elif kind == "FORMAT":
        file.write_bytes(b"%PDF-1.7 ...")
    elif kind == "TRUNCATED":
        save(folder, noise, "a.jpg")
        file.write_bytes((folder / "a.jpg").read_bytes()[:2000])
    elif kind == "DAMAGED":
        data = bytearray(save(folder, noise).read_bytes())
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(bytes(data))
    elif kind == "NOT_REGULAR":
        os.mkfifo(file)
    elif kind == "FLOAT_IMAGE":
        return save(folder, Image.fromarray(RNG.random((5, 5)).astype(np.float32)), "a.tif")
    elif kind == "NONFINITE":
        return save(folder, Image.fromarray(np.full((5, 5), np.nan, np.float32)), "a.tif")
    elif kind == "DEEP_IMAGE":
        return save(folder, Image.fromarray(np.full((5, 5), 70000, np.int32)), "a.tif")
    elif kind == "TOO_LARGE":
        header = save(folder, Image.new("1", (20000, 20000))).read_bytes()
        file.write_bytes(header)
    return file


@pytest.mark.parametrize(
    "kind",
    ["MISSING", "EMPTY_FILE", "NOT_AN_IMAGE", "FORMAT", "TRUNCATED", "DAMAGED", "NOT_REGULAR", "FLOAT_IMAGE", "NONFINITE",
     "DEEP_IMAGE", "TOO_LARGE"],
)  # fmt: skip
def test_unreadable_pictures_are_refused_with_a_code(tmp_path, kind):
    with pytest.raises(PictureError) as refusal:
        read_picture(broken(kind, tmp_path))
    assert refusal.value.code == kind
    assert str(tmp_path) in str(refusal.value)


def test_damaged_pictures_of_every_format_are_refused_with_a_code(tmp_path):
    """Read about a thousand damaged files: each is read or raises PictureError."""
    noise = Image.fromarray(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    codes = set()
    for suffix in ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm", "ico", *("avif" for _ in AVIF)):
        intact = save(tmp_path, noise, f"a.{suffix}").read_bytes()
        for _ in range(110):
            data = bytearray(intact[: RNG.integers(1, len(intact) + 1)])
            for at in RNG.integers(0, len(data), 3):
                data[at] = RNG.integers(256)
            (tmp_path / "b").write_bytes(bytes(data))
            try:
                assert read_picture(tmp_path / "b")[0].mode == "RGB"
            except PictureError as error:
                codes.add(error.code)
    assert {"DAMAGED", "TRUNCATED", "NOT_AN_IMAGE"} <= codes
    with pytest.raises(PictureError, match="cannot be read"):
        read_picture("a\0b.png")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(PictureError, match="is not a regular file"):
        read_picture(tmp_path)


def test_a_picture_of_one_pixel(tmp_path):
    assert read_picture(save(tmp_path, Image.new("RGB", (1, 1))))[0].size == (1, 1)
