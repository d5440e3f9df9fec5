"""Test the fast gradient of strided input convolutions against TensorFlow's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.tf.ops import strided_convolution_gradient
from saliency.tf.ops.gradients import differentiate_scores

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 65, 70, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "before"),
    [
        ((7, 7), (2, 2), [[0, 0], [3, 3], [3, 3], [0, 0]], [3, 3]),
        ((11, 11), (4, 4), "VALID", [0, 0]),
        ((16, 16), (16, 16), "VALID", [0, 0]),
        ((5, 8), (3, 2), [[0, 0], [0, 2], [4, 0], [0, 0]], [0, 4]),
        ((4, 4), (5, 7), [[0, 0], [1, 1], [2, 2], [0, 0]], [1, 2]),
    ],
)
def test_gradient_equals_tensorflow_s(kernel, stride, padding, before):
    x = tf.constant(RNG.normal(size=(2, 61, 66, 3)))
    weights = tf.constant(RNG.normal(size=(*kernel, 3, 6)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = tf.nn.conv2d(x, weights, stride, padding)
    upstream = tf.constant(RNG.normal(size=output.shape))
    expected = tape.gradient(output, x, upstream)
    got = strided_convolution_gradient.convolution_input_gradient(upstream, weights, stride, before, (61, 66))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def differentiate_convolution(convolution, x=X):
    """Return the gradient of a convolution, and whether the fast gradient was used."""

    @tf.function
    def gradient(x):
        scores = tf.reduce_max(tf.nn.relu(convolution(x)), (1, 2, 3))
        return differentiate_scores([(scores, None)], x, "x")

    trace = gradient.get_concrete_function(tf.TensorSpec((None, *x.shape[1:])))
    is_fast = "Conv2DBackpropInput" not in {op.type for op in trace.graph.get_operations()}
    return np.array(trace(tf.constant(x))), is_fast


def conv(kernel=7, stride=2, padding="SAME", **settings):
    weights = tf.constant(np.random.default_rng(1).normal(size=(kernel, kernel, 3, 8)).astype(np.float32))
    return lambda x: tf.nn.conv2d(x, weights, stride, padding, **settings)


@pytest.mark.parametrize(
    ("convolution", "used"),
    [
        (conv(), True),
        (conv(kernel=8, stride=3), True),
        (conv(padding="VALID"), True),
        (conv(padding=[[0, 0], [3, 2], [1, 0], [0, 0]]), True),
        (lambda x: conv()(tf.pad((x - 0.4) / 0.2, [[0, 0], [3, 3], [3, 3], [0, 0]])), True),
        (lambda x: conv()(x) + tf.reduce_mean(x, (1, 2, 3), keepdims=True), True),
        (conv(stride=1), False),
        (conv(kernel=2), False),
        (conv(stride=1, dilations=2), False),
    ],
)
def test_used_for_strided_convolutions_of_few_channels(convolution, used):
    got, is_fast = differentiate_convolution(convolution)
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = tf.reduce_max(tf.nn.relu(convolution(x)), (1, 2, 3))
    expected = np.array(tape.gradient(scores, x))
    assert is_fast == used
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_gradient_through_weights_that_depend_on_the_image():
    def convolution(x):
        return tf.nn.conv2d(x, conv_weights * tf.reduce_mean(x[:, :7, :7]), 2, "SAME")

    conv_weights = tf.constant(RNG.normal(size=(7, 7, 3, 8)).astype(np.float32))
    got, _ = differentiate_convolution(convolution, X[:1])
    x = tf.constant(X[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = tf.reduce_max(tf.nn.relu(convolution(x)), (1, 2, 3))
    expected = np.array(tape.gradient(scores, x))
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_masks_of_several_targets_equal_those_of_the_tape():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(X.shape[1:]),
            layers.Conv2D(8, 7, 2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
        ]
    )
    masks = saliency.Vanilla(model).GetMasks([X[0], X[0]], [1, 3])
    for y, got in zip((1, 3), masks, strict=True):
        x = tf.constant(X[:1])
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = model(x)[0, y]
        expected = np.array(tape.gradient(score, x))[0]
        assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
