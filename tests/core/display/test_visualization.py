"""The pictures' contract: 0 to 1; -1 to 1 with zero unchanged; any channel axis; 2-D masks."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from saliency import VisualizeImageDiverging, VisualizeImageGrayscale, overlay, show

RNG = np.random.default_rng(0)
MASK = RNG.normal(size=(20, 30, 3))


def test_grayscale_by_hand():
    mask = np.array([[[1.0, -1.0], [2.0, 2.0]], [[0.0, 5.0], [0.0, -10.0]]])  # sums of magnitudes 2, 4, 5, 10
    np.testing.assert_allclose(VisualizeImageGrayscale(mask, 100), [[0, 0.25], [0.375, 1]])
    np.testing.assert_allclose(VisualizeImageGrayscale(mask, 200 / 3), [[0, 2 / 3], [1, 1]])  # the 5


def test_diverging_by_hand():
    mask = np.array([[[1.0, -1.0], [2.0, 2.0]], [[0.0, 5.0], [0.0, -10.0]]])  # sums 0, 4, 5, -10
    np.testing.assert_allclose(VisualizeImageDiverging(mask, 100), [[0, 0.4], [0.5, -1]])
    np.testing.assert_allclose(VisualizeImageDiverging(mask, 200 / 3), [[0, 0.8], [1, -1]])


@pytest.mark.parametrize("picture", [VisualizeImageGrayscale, VisualizeImageDiverging])
def test_any_channel_axis_and_plain_maps(picture):
    expected = picture(MASK)
    np.testing.assert_array_equal(picture(MASK.transpose(2, 0, 1)), expected)
    np.testing.assert_array_equal(picture(MASK.transpose(0, 2, 1), channel_axis=1), expected)
    assert picture(MASK.sum(2)).shape == (20, 30)
    np.testing.assert_array_equal(VisualizeImageDiverging(MASK.sum(2)), VisualizeImageDiverging(MASK))
    wide = RNG.normal(size=(20, 30, 12))
    np.testing.assert_array_equal(picture(wide, channel_axis=2), picture(wide.transpose(2, 0, 1), channel_axis=0))


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_constant_mask_is_finite(value):
    mask = np.full((8, 9, 3), value)
    np.testing.assert_array_equal(VisualizeImageGrayscale(mask), np.zeros((8, 9)))
    np.testing.assert_array_equal(VisualizeImageDiverging(mask), np.full((8, 9), np.sign(value)))


def test_a_mask_with_one_pixel_does_not_vanish():
    mask = np.zeros((50, 50))
    mask[3, 4] = -2.0
    assert VisualizeImageGrayscale(mask)[3, 4] == 1
    assert VisualizeImageDiverging(mask)[3, 4] == -1


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.float16, np.float32, bool])
def test_any_type_of_number(dtype):
    mask = np.array([[0, 1], [100, 1]]).astype(dtype)
    if dtype == np.int8:
        mask[1, 0] = -128
    assert VisualizeImageGrayscale(mask, 100)[1, 0] == 1
    assert abs(VisualizeImageDiverging(mask, 100)[1, 0]) == 1


@pytest.mark.parametrize(
    ("mask", "options", "message"),
    [
        (np.zeros(5), {}, r"shape \(5,\)"),
        (np.zeros((2, 3, 4, 5)), {}, "must be"),
        (np.zeros((0, 3)), {}, "at least one number"),
        (np.full((4, 4), np.nan), {}, "16 values that are NaN"),
        (np.zeros((5, 6, 7)), {}, "`channel_axis`"),
        (np.zeros((5, 6)), {"percentile": 101}, r"`percentile` \(=101\)"),
    ],
)
def test_invalid_masks_raise(mask, options, message):
    for picture in (VisualizeImageGrayscale, VisualizeImageDiverging):
        with pytest.raises(ValueError, match=message):
            picture(mask, **options)


def test_overlay_leaves_the_picture_where_the_mask_is_zero():
    image = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    mask = np.zeros((20, 30))
    mask[4:8, 4:8] = 1.0
    for picture in (image, image.transpose(2, 0, 1)):
        laid = overlay(picture, mask)
        assert laid.shape == (20, 30, 3) and laid.dtype == np.uint8
        np.testing.assert_array_equal(laid[10:], image[10:])
        assert not np.array_equal(laid[4:8, 4:8], image[4:8, 4:8])
    signed = overlay(image, mask - 2 * np.roll(mask, 10, axis=1), alpha=0.5)
    blue, red = (np.array(colormaps["coolwarm"](end, bytes=True)[:3]) for end in (0, 1.0))
    np.testing.assert_allclose(signed[5, 15], image[5, 15] / 2 + blue / 2, atol=1)  # the strongest pixels, against
    np.testing.assert_allclose(signed[5, 5], image[5, 5] * 0.75 + red / 4, atol=1)  # half as strong, for
    with pytest.raises(ValueError, match="`mask` .* height and width"):
        overlay(image, mask[:5])


def test_show_lays_out_a_grid_that_a_notebook_shows(tmp_path):
    figure = show([MASK.sum(2), MASK, RNG.integers(0, 256, (3, 9, 9), dtype=np.uint8)], titles=["a", "b", "c"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG") and metadata == {"alt": "Pictures: a, b, c"}
    figure.savefig(tmp_path / "grid.png")
    with pytest.raises(ValueError, match="`titles` .length 1."):
        show([MASK, MASK], titles=["a"])
    with pytest.raises(ValueError, match="`pictures` .length 0."):
        show([])


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
@pytest.mark.parametrize("largest", [1.7e308, 1e300])
def test_show_draws_the_largest_numbers_as_one(dtype, largest):
    def pixels(*pictures):
        return np.asarray(Image.open(io.BytesIO(show(pictures)._repr_png_()[0])))

    huge = np.where(MASK > 0, largest, -largest).astype(dtype)
    np.testing.assert_array_equal(pixels(huge[..., 0]), pixels(np.sign(MASK[..., 0])))
    np.testing.assert_array_equal(pixels(huge), pixels(np.sign(MASK)))
