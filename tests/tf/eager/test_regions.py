"""Regions of Keras models, whose classes are on the last axis, and why a Box has no gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency import Box, Difference, Occlusion, Region, Vanilla
from tests.detectors import FORMS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 12, 3)).astype(np.float32)
SQUARE = np.zeros((8, 12))
SQUARE[2:5, 3:9] = 1


def test_the_gradient_of_a_region_has_a_closed_form():
    model = keras.Sequential([keras.Input((8, 12, 3)), keras.layers.Conv2D(4, 1, use_bias=False)])
    weights = model.get_weights()[0][0, 0]  # (3, 4)
    out = X @ weights
    areas = [SQUARE, out.argmax(axis=-1) == 1, np.ones((8, 12))]
    ys = [Region(2, SQUARE), Region(1, "argmax"), Difference(Region(2, SQUARE), Region(1, SQUARE)), Region(2)]
    masks = Vanilla(model).GetMasks([X] * 4, y=ys)
    one, two, all_of = (area[..., None] / area.sum() for area in areas)
    expected = [one * weights[:, 2], two * weights[:, 1], one * (weights[:, 2] - weights[:, 1]), all_of * weights[:, 2]]
    np.testing.assert_allclose(masks, expected, atol=1e-7)


def test_an_output_without_channels():
    inputs = keras.Input((8, 12, 3))
    depth = keras.layers.Reshape((8, 12))(keras.layers.Conv2D(1, 1, use_bias=False)(inputs))
    model = keras.Model(inputs, depth)
    weights = model.get_weights()[0][0, 0, :, 0]
    mask = Vanilla(model, Region(None, SQUARE)).GetMask(X)
    np.testing.assert_allclose(mask, SQUARE[..., None] / SQUARE.sum() * weights, atol=1e-7)
    peak = np.unravel_index((X @ weights).argmax(), (8, 12))
    assert np.abs(Vanilla(model, Region(None, "peak")).GetMask(X)[peak]).sum() == pytest.approx(np.abs(weights).sum())


def test_a_box_of_a_function():
    def detector(x):
        return FORMS["sigmoid"](tf.transpose(x, (0, 3, 1, 2)), tnp)

    x = np.ones((32, 40, 3), np.float32)
    box = Box.top(0, no_object=False)
    mask = Occlusion(tf.function(detector), box, size=8, stride=8).GetMask(x)
    assert mask[4:12, 6:16].sum() > 0.4 * mask.sum() > 0
    gradient = np.abs(Vanilla(tf.function(detector), box).GetMask(x))
    assert gradient[4:12, 6:16].sum() > 0.4 * gradient.sum() > 0
