"""The drawn input: a normalization that its values prove is undone, and otherwise each channel is scaled."""

import numpy as np
import pytest
from PIL import Image

from saliency import Vanilla, nets
from saliency.core.display import picture_colors as colors
from saliency.core.display.picture_colors import Normalization, picture_colors
from tests.reference import linear

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (6, 7, 3), np.uint8)
IMAGENET = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "prepare",
    [
        lambda pixels: (pixels / 255 - IMAGENET[0]) / IMAGENET[1],
        lambda pixels: pixels / 255,
        lambda pixels: pixels / 127.5 - 1,
        lambda pixels: pixels / 1.0,
    ],
)
def test_known_normalizations_are_undone(prepare, dtype):
    np.testing.assert_allclose(picture_colors(prepare(PIXELS).astype(dtype)), PIXELS / 255, atol=1e-9)


def test_the_order_of_caffe():
    x = PIXELS[..., ::-1].astype(np.float32) - np.array([103.939, 116.779, 123.68], np.float32)
    np.testing.assert_allclose(picture_colors(x), PIXELS / 255, atol=1e-9)


def test_an_input_that_was_changed_is_no_picture_of_that_normalization():
    x = (PIXELS / 255 - IMAGENET[0]) / IMAGENET[1]
    x[2, 3] = 0.0  # an occluded pixel: 123.675 of 255
    low, high = x.min((0, 1)), x.max((0, 1))
    np.testing.assert_allclose(picture_colors(x), (x - low) / (high - low))


def test_other_inputs_are_scaled_by_channel():
    x = RNG.normal(size=(5, 6, 3)) * [1, 10, 100] + [0, 50, -7]
    drawn = picture_colors(x)
    np.testing.assert_allclose(drawn.min((0, 1)), 0)
    np.testing.assert_allclose(drawn.max((0, 1)), 1)
    fractions = RNG.uniform(size=(5, 6, 3))
    np.testing.assert_array_equal(picture_colors(fractions), fractions)
    gray = RNG.normal(size=(5, 6))
    np.testing.assert_allclose(picture_colors(gray), (gray - gray.min()) / np.ptp(gray))
    counts = RNG.integers(0, 9, (5, 6, 3))
    assert picture_colors(counts).max() == 1
    np.testing.assert_array_equal(picture_colors(np.full((4, 4, 3), -2.0)), np.zeros((4, 4, 3)))
    assert np.isfinite(picture_colors(np.array([[-1e308, 1e308]]))).all()


def test_what_a_network_prepared_is_drawn_as_it_was_seen():
    network = nets.Network("own", None, (6, 7), mean=(0.2, 0.3, 0.4), std=(0.11, 0.12, 0.13))
    x = network.prepare(Image.fromarray(PIXELS))
    mask = Vanilla(linear(RNG.normal(size=(2, 3, 6, 7))), 0).GetMask(x)
    copies = Vanilla(linear(RNG.normal(size=(2, 3, 6, 7))), 0).GetMasks(np.stack([x, x]))
    for one in (mask, copies[1]):
        np.testing.assert_allclose(one.figure().axes[0].images[0].get_array(), PIXELS / 255, atol=1e-6)


def test_few_normalizations_are_remembered(monkeypatch):
    monkeypatch.setattr(colors, "_used", {})
    for i in range(colors.MAX_USED + 5):
        colors.remember_normalization((i / 100, 0, 0), (1, 1, 1))
    assert len(colors._used) == colors.MAX_USED and Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)) not in colors._used
