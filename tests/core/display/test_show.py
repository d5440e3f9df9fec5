"""``show`` and ``overlay`` draw masks as masks, and keep the colors of signed maps."""

import numpy as np
import pytest
from matplotlib import colormaps

from saliency import Vanilla, VisualizeImageDiverging, VisualizeImageGrayscale, overlay, show
from tests.reference import linear

RNG = np.random.default_rng(1)
W = RNG.normal(size=(2, 3, 8, 9))
MASK = Vanilla(linear(W), 0).GetMask(RNG.normal(size=(3, 8, 9)))
PICTURE = np.full((8, 9, 3), 90, np.uint8)


def drawn(picture, **options):
    (image,) = show([picture], **options).axes[0].images
    return np.asarray(image.get_array()), image.get_cmap().name, image.get_clim()


def test_a_mask_with_color_channels_is_a_mask():
    values, cmap, limits = drawn(MASK)
    np.testing.assert_array_equal(values, VisualizeImageDiverging(MASK))
    assert (cmap, limits) == ("coolwarm", (-1, 1))
    np.testing.assert_array_equal(drawn(MASK[0])[0], VisualizeImageDiverging(W[0, 0]))
    values, cmap, limits = drawn(Vanilla(linear(abs(W)), 0).GetMask(W[0]))
    np.testing.assert_array_equal(values, VisualizeImageGrayscale(abs(W[0])))
    assert (cmap, limits) == ("gray", (0, 1))


def test_many_channels_are_summed_as_the_mask_recorded():
    w = RNG.normal(size=(1, 31, 8, 9))
    mask = Vanilla(linear(w), 0).GetMask(w[0])
    np.testing.assert_allclose(VisualizeImageGrayscale(mask, 100), VisualizeImageGrayscale(np.abs(w[0]).sum(0), 100))
    assert overlay(PICTURE, mask).shape == (8, 9, 3) and drawn(mask)[0].shape == (8, 9)


def test_a_diverging_map_without_negative_values_keeps_its_colors():
    positive = VisualizeImageDiverging(np.abs(W[0]))
    assert positive.min() >= 0 and type(positive) is np.ndarray
    assert drawn(positive)[1:] == ("coolwarm", (-1, 1))
    peak = np.unravel_index(positive.argmax(), positive.shape)
    np.testing.assert_array_equal(overlay(PICTURE, positive, alpha=1)[peak], colormaps["coolwarm"](1.0, bytes=True)[:3])
    assert drawn(positive + 0.0)[1:] == ("gray", (0, 1))  # another array


def test_values_beyond_the_scale_are_scaled():
    np.testing.assert_allclose(drawn(50 * np.abs(W[0, 0]))[0], VisualizeImageGrayscale(W[0, 0]))
    np.testing.assert_allclose(drawn(50 * W[0, 0])[0], VisualizeImageDiverging(W[0, 0]))
    unit = RNG.uniform(size=(4, 5))
    np.testing.assert_array_equal(drawn(unit)[0], unit)


def test_gray_pixels_are_gray():
    gray = RNG.integers(0, 256, (8, 9), np.uint8)
    values, cmap, limits = drawn(gray)
    np.testing.assert_allclose(values, gray / 255)
    assert (cmap, limits) == ("gray", (0, 1))


@pytest.mark.parametrize("fraction", [0.02, 0.3, 1.0])
def test_the_color_of_a_picture_fades_with_the_strength(fraction):
    mask = np.zeros((8, 9))
    mask[0, 0], mask[4, 4] = 1.0, -fraction
    blue = np.array(colormaps["coolwarm"](0, bytes=True)[:3])
    expected = 90 * (1 - 0.6 * fraction) + blue * 0.6 * fraction
    np.testing.assert_allclose(overlay(PICTURE, mask, alpha=0.6, percentile=100)[4, 4], expected, atol=1)
