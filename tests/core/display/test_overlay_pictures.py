"""PIL images of every mode in ``overlay`` and ``show``: drawn in their colors."""

import numpy as np
import pytest
from PIL import Image

from saliency import overlay, show
from tests.io.picture_files import RAMP, samples, tiff

RNG = np.random.default_rng(0)
PHOTO = Image.fromarray(np.kron(RNG.integers(0, 255, (6, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8))
MASK = np.zeros((48, 48))
MASK[20, 20] = 1


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr", "HSV", "LAB", "1", "L", "LA", "RGBA", "RGBa", "RGBX", "PA"])
def test_the_colors_of_every_mode(mode):
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        given = ImageCms.profileToProfile(PHOTO, *profiles, outputMode="LAB")
    else:
        given = (PHOTO.convert("RGBA") if mode == "RGBa" else PHOTO).convert(mode)
    expected = overlay((given.convert("RGBA") if mode == "RGBa" else given).convert("RGB"), MASK).astype(int)
    assert np.abs(overlay(given, MASK) - expected).max() <= 1


def test_transparent_pixels_are_white():
    pixels = np.full((48, 48, 4), (200, 30, 30, 0), np.uint8)
    assert (overlay(Image.fromarray(pixels), np.zeros((48, 48))) == 255).all()


@pytest.mark.parametrize(("pixels", "photometric"), [(samples(65535), 1), (samples(65535), 0), (RAMP.astype("f4"), 0)])
def test_deep_pictures_are_rescaled_from_their_minimum_and_maximum(pixels, photometric, tmp_path):
    with Image.open(tiff(tmp_path / "a.tif", pixels, photometric)) as picture:
        drawn = overlay(picture, np.zeros((48, 64)))[..., 0]
    expected = 255 * (RAMP if photometric else 1 - RAMP)
    assert np.abs(drawn - expected).max() <= 1


def test_a_picture_whose_orientation_the_mask_may_not_have_is_refused():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = PHOTO.copy()
    turned.info["exif"] = exif.tobytes()
    with pytest.raises(ValueError, match=r"`image` has an EXIF orientation .* pass PIL.ImageOps.exif_transpose\(image\)"):
        overlay(turned, MASK)
    (image,) = show([turned]).axes[0].images
    np.testing.assert_allclose(image.get_array(), np.rot90(np.asarray(PHOTO), -1) / 255)


def test_show_draws_the_colors_of_a_palette():
    (image,) = show([PHOTO.convert("P", palette=Image.Palette.ADAPTIVE)]).axes[0].images
    assert np.abs(np.asarray(image.get_array()) - np.asarray(PHOTO) / 255).mean() < 0.05
    (image,) = show([PHOTO.convert("L")]).axes[0].images
    np.testing.assert_allclose(np.asarray(image.get_array()).squeeze()[..., 0], np.asarray(PHOTO.convert("L")) / 255)
