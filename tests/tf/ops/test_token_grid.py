"""Grids of tokens and axes of images, read from a graph."""

import tensorflow as tf

from saliency.tf.ops.token_grid import axes_are_exchanged, find_token_grid


def test_a_graph_deeper_than_python_s_recursion_limit():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, (1, 8, 12, 3))
        image = tf.nn.conv2d(x, tf.ones((4, 4, 3, 4)), 4, "VALID")
        for _ in range(1000):
            image = tf.tanh(image)
        tokens = tf.reshape(image, (1, 6, 4))
        for _ in range(1000):
            tokens = tf.tanh(tokens)
        assert not axes_are_exchanged(image, x) and axes_are_exchanged(tf.transpose(image, (0, 2, 1, 3)), x)
        assert find_token_grid(tokens, x).space == (2, 3)
