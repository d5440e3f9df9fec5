"""Regions in a TensorFlow 1 graph."""

import numpy as np
import pytest
import tensorflow as tf

from saliency import Box, Difference, Region, TargetError, Vanilla
from saliency.tf import GraphAdapter

RNG = np.random.default_rng(0)
X, WEIGHTS = RNG.normal(size=(8, 12, 3)), RNG.normal(size=(3, 4)).astype(np.float32)
SQUARE = np.zeros((8, 12))
SQUARE[2:5, 3:9] = 1


def test_the_gradient_of_a_region_has_a_closed_form():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 8, 12, 3))
        y = tf.nn.conv2d(x, WEIGHTS[None, None], 1, "SAME")
        depth = y[..., 0]
    session = tf.compat.v1.Session(graph=graph)
    ys = [Region(2, SQUARE), Region(1, "argmax"), Difference(Region(1, SQUARE), Region(2, SQUARE))]
    masks = Vanilla(GraphAdapter(graph, session, y, x)).GetMasks([X] * 3, y=ys)
    top = (X @ WEIGHTS).argmax(axis=-1) == 1
    square, top = SQUARE[..., None] / SQUARE.sum(), top[..., None] / top.sum()
    expected = [square * WEIGHTS[:, 2], top * WEIGHTS[:, 1], square * (WEIGHTS[:, 1] - WEIGHTS[:, 2])]
    np.testing.assert_allclose(masks, expected, atol=1e-7)
    mask = Vanilla(GraphAdapter(graph, session, depth, x), Region(None, SQUARE)).GetMask(X)
    np.testing.assert_allclose(mask, square * WEIGHTS[:, 0], atol=1e-7)
    with pytest.raises(TargetError, match="a callable or a Box"):
        Vanilla(GraphAdapter(graph, session, y, x), Box.top()).GetMask(X)
