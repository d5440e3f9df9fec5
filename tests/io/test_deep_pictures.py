"""Pictures of more than 8 bits, signed ones, and those whose samples Pillow misreads: right by a formula, or an error."""

import numpy as np
import PIL
import pytest
from PIL import Image

from saliency.io.picture import read_picture
from saliency.io.picture_options import PictureError, PictureOptions
from tests.io.picture_files import RAMP, netpbm, png, samples, tiff

PILLOW = int(PIL.__version__.split(".")[0])
GRAY = np.repeat(255 * RAMP[..., None], 3, -1)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], -1)


def levels_off(file, expected=GRAY, **options):
    """Return how far the picture is from the expected one, in levels of 255, and the notes."""
    picture, notes = read_picture(file, PictureOptions(**options))
    return np.abs(np.asarray(picture).astype(float) - expected).max(), notes


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("dtype", "black", "white"),
    [("u2", None, None), ("u2", 0, 65535), ("i2", -32768, 32767), ("i4", -(2**31), 2**31 - 1), ("f4", 0, 1), ("f4", -3, 5)],
)
def test_deep_gray_tiffs_in_both_byte_orders(dtype, black, white, order, compress, tmp_path):
    low, high = (0, 65535) if black is None else (black, white)
    values = low + RAMP * (high - low)
    pixels = (values if dtype == "f4" else np.rint(values)).astype(order + dtype)
    file = tiff(tmp_path / "a.tif", pixels, compress=compress)
    off, notes = levels_off(file, float_range=None if black is None else (black, white))
    assert off <= 0.51 and notes[0].endswith("gray scaled to 8 bits" if black is None else f"scaled from {low:g} to {high:g}")


@pytest.mark.parametrize(
    ("pixels", "range_"),
    [
        (samples(65535), None),
        (samples(65535), (0, 65535)),
        (samples(4095), (0, 4095)),
        (RAMP.astype("f4"), (0, 1)),
        (RAMP.astype(">f4"), (0, 1)),
        (samples(255, "u1"), None),
    ],
)
def test_white_is_zero(pixels, range_, tmp_path):
    off, notes = levels_off(tiff(tmp_path / "a.tif", pixels, photometric=0), 255 - GRAY, float_range=range_)
    assert off <= 0.51 and (pixels.dtype == np.uint8 or "white-is-zero inverted" in notes)


def test_signed_bytes_and_unsigned_32_bit_integers_keep_their_sign(tmp_path):
    signed = tiff(tmp_path / "a.tif", (samples(255, "i2") - 128).astype("i1"))
    assert levels_off(signed, float_range=(-128, 127))[0] <= 0.51
    large = tiff(tmp_path / "b.tif", np.rint(RAMP * (2**32 - 1)).astype("u4"))
    assert levels_off(large, float_range=(0, 2**32 - 1))[0] <= 0.51
    for file in (signed, large):
        with pytest.raises(PictureError, match="give them with -float-range") as refusal:
            read_picture(file)
        assert refusal.value.code == "DEEP_IMAGE"


def test_12_bits_in_16(tmp_path):
    file = tmp_path / "a.png"
    Image.fromarray(samples(4095)).save(file)
    assert levels_off(file, float_range=(0, 4095))[0] <= 0.51
    off, notes = levels_off(file, GRAY * 4095 / 65535)  # white is 65535 by definition of the format
    assert off <= 0.51 and any("dark or have fewer bits" in note for note in notes)
    with pytest.raises(PictureError, match=r"16-bit pixels of at most 4095, which are dark .* give .* with -float-range"):
        read_picture(file, PictureOptions(refuse_dark=True))
    Image.fromarray(samples(0)).save(file)
    assert levels_off(file, 0, refuse_dark=True)[0] == 0  # black in any scale
    assert levels_off(tiff(tmp_path / "a.tif", samples(4095), bits=12))[0] <= 0.51  # packed: the file states the bits


@pytest.mark.parametrize("maximum", [1, 3, 100, 255, 256, 1000, 4095, 40000, 65535])
@pytest.mark.parametrize("magic", ["P2", "P5", "P3", "P6"])
def test_netpbm_of_any_maximum(magic, maximum, tmp_path):
    pixels = samples(maximum, int)
    pixels = np.repeat(pixels[..., None], 3, -1) if magic in ("P3", "P6") else pixels
    file = netpbm(tmp_path / "a.ppm", pixels, magic, maximum)
    expected = 255 * pixels.reshape(48, 64, -1) / maximum
    off, notes = levels_off(file, expected, refuse_dark=True)
    assert off < 1 and (maximum < 256 or any("16-bit" in note for note in notes))
    if maximum > 255 and pixels.ndim == 2:  # a range is in the values of the file
        assert levels_off(file, (2 * expected).clip(0, 255), float_range=(0, maximum / 2))[0] <= 0.51
    elif maximum > 255:
        with pytest.raises(PictureError, match="-float-range cannot be applied"):
            read_picture(file, PictureOptions(float_range=(0, maximum)))
    else:
        assert "-float-range not applied to 8-bit pixels" in levels_off(file, expected, float_range=(0, maximum))[1]


@pytest.mark.skipif(PILLOW < 11, reason="Pillow does not read PFM")
@pytest.mark.parametrize("order", "<>")
def test_a_gray_float_map(order, tmp_path):
    (tmp_path / "a.pfm").write_bytes(
        f"Pf\n64 48\n{-1 if order == '<' else 1}\n".encode() + RAMP[::-1].astype(f"{order}f4").tobytes()
    )
    assert levels_off(tmp_path / "a.pfm", float_range=(0, 1))[0] <= 0.51  # its rows are stored from the bottom up


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_value_of_a_gray_png(bits, tmp_path):
    maximum = 2**bits - 1
    pixels = samples(maximum)
    for transparent in {0, 1, maximum // 2, maximum}:
        file = png(tmp_path / "a.png", pixels, bits, transparent=[transparent])
        expected = np.where(pixels == transparent, 255, 255 * (pixels / maximum))[..., None]
        off, notes = levels_off(file, expected)
        assert off <= 0.51 and notes[-1] == "transparent pixels blended with white"


@pytest.mark.parametrize("order", "<>")
def test_16_bit_colors(order, tmp_path):
    pixels = np.rint(COLORS * 65535).astype(f"{order}u2")
    for compress in (False, True):
        off, notes = levels_off(tiff(tmp_path / "a.tif", pixels, 2, compress=compress), 255 * COLORS)
        assert off <= 1 and notes == ["16-bit colors reduced to 8 bits"]
    file = tiff(tmp_path / "a.tif", pixels, 2, compress=True, separate=True)
    assert levels_off(file, 255 * COLORS)[0] <= 1
    with pytest.raises(PictureError, match="separate planes, which Pillow decodes wrongly; convert it to PNG"):
        read_picture(tiff(tmp_path / "a.tif", pixels, 2, separate=True))


def test_16_bit_colors_in_png(tmp_path):
    pixels = np.rint(COLORS * 65535).astype("u2")
    file = png(tmp_path / "a.png", pixels, 16, color=2)
    assert levels_off(file, 255 * COLORS)[0] <= 1
    for options, match in (({"float_range": (0, 4095)}, "16-bit colors, to which -float-range cannot be applied"),):
        with pytest.raises(PictureError, match=match):
            read_picture(file, PictureOptions(**options))
    with pytest.raises(PictureError, match="a transparent 16-bit color"):
        read_picture(png(file, pixels, 16, color=2, transparent=pixels[5, 5]))
    dark = png(file, pixels >> 4, 16, color=2)
    assert any("fewer bits; convert it to 8 bits" in note for note in read_picture(dark)[1])
    with pytest.raises(PictureError, match=r"16-bit pixels of at most 4095, .* convert it to 8 bits"):
        read_picture(dark, PictureOptions(refuse_dark=True))


@pytest.mark.skipif(PILLOW < 11, reason="Pillow does not read this TIFF")
def test_premultiplied_alpha(tmp_path):
    alpha = np.tile(np.linspace(0, 1, 64), (48, 1))
    pixels = np.rint(255 * np.stack([RAMP * alpha, alpha], -1)).astype("u1")
    expected = GRAY * alpha[..., None] + 255 * (1 - alpha[..., None])
    off, notes = levels_off(tiff(tmp_path / "a.tif", pixels, extra=(1,)), expected)
    assert off <= 2 and notes == ["transparent pixels blended with white"]


def test_palettes_of_tiff(tmp_path):
    colors = np.random.default_rng(0).integers(1, 256, (256, 3))
    expected = colors[samples(255, "u1")]
    assert levels_off(tiff(tmp_path / "a.tif", samples(255, "u1"), 3, palette=colors * 257), expected)[0] <= 1
    with pytest.raises(PictureError, match="palette of 8 bits"):  # Pillow draws it in black
        read_picture(tiff(tmp_path / "a.tif", samples(255, "u1"), 3, palette=colors))


@pytest.mark.parametrize("pixels", [RAMP, RAMP.astype("f2"), samples(65535, ">u4"), COLORS.astype("f4")])
def test_tiffs_that_pillow_does_not_read_are_named(pixels, tmp_path):
    with pytest.raises(PictureError, match="is a TIFF of an unsupported kind") as refusal:
        read_picture(tiff(tmp_path / "a.tif", pixels, pixels.ndim - 1))
    assert refusal.value.code == "FORMAT"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "rgb"])
def test_the_orientation_of_a_tiff(dtype, compress, orientation, tmp_path):
    """Pillow turns TIFFs when it loads them, and exchanges the height and width of uncompressed gray ones before."""
    image = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
    shown = image if dtype == "rgb" else np.repeat(image[..., :1], 3, -1)
    pixels = {"rgb": image, "u1": image[..., 0], "u2": image[..., 0] * np.uint16(257), "f4": image[..., 0] / np.float32(255)}
    file = tiff(
        tmp_path / "a.tif", pixels[dtype].copy(), 2 if dtype == "rgb" else 1, compress=compress, orientation=orientation
    )
    turned = [shown, shown[:, ::-1], shown[::-1, ::-1], shown[::-1], shown.swapaxes(0, 1), np.rot90(shown, -1),
              np.rot90(shown, 2).swapaxes(0, 1), np.rot90(shown)][orientation - 1]  # fmt: skip
    range_ = (0, 1) if dtype == "f4" else None
    off, notes = levels_off(file, turned, float_range=range_)
    assert off == 0 and ("turned by EXIF orientation" in notes) == (orientation > 1)
    off, notes = levels_off(file, shown, float_range=range_, apply_exif=False)
    assert off == 0 and "turned by EXIF orientation" not in notes
