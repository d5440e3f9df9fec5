"""Test which axes of an input with two axes are spatial: those that the model proves, or both."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from tests.two_axis_inputs import ASSUMED, WEIGHTS, X, expected

L = keras.layers


def weighted_model(*layers):
    """Return a model of the score sum(WEIGHTS * x)."""
    model = keras.Sequential([keras.Input((6, 5)), *layers, L.Flatten(), L.Dense(1, use_bias=False)])
    model.layers[-1].set_weights([WEIGHTS.reshape(30, 1)])
    return model


def test_rows_and_columns_of_a_model_without_evidence():
    with pytest.warns(UserWarning, match=ASSUMED):
        mask = saliency.Occlusion(weighted_model(), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-4, atol=1e-6)
    mask = saliency.Occlusion(saliency.wrap(weighted_model(), channel_axis=None), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-4, atol=1e-6)


def test_an_appended_channel_axis_proves_a_gray_image():
    identity = L.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    mask = saliency.Occlusion(weighted_model(L.Rescaling(1.0), L.Reshape((6, 5, 1)), identity), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layer", [L.Conv1D(5, 2), L.LSTM(5)])
def test_layers_of_sequences_prove_channels(layer):
    inputs = keras.Input((6, 5))
    y = layer(inputs)
    model = keras.Model(inputs, L.Dense(1)(L.Flatten()(y)))
    mask = saliency.Occlusion(model, 0).GetMask(X, size=2)  # windows of time steps
    np.testing.assert_array_equal(mask, np.repeat(mask[:, :1], 5, axis=1))
    explicit = saliency.Occlusion(saliency.wrap(model, channel_axis=-1), 0).GetMask(X, size=2)
    np.testing.assert_array_equal(mask, explicit)


def score_of(images):
    return tf.reduce_sum(images * tf.constant(WEIGHTS, tf.float32), (1, 2))


def gray_convolution(images):
    return score_of(tf.nn.conv2d(images[..., None] / 2, tf.ones((1, 1, 1, 1)), 1, "SAME")[..., 0] * 2)


def gray_reshape(images):
    shaped = tf.reshape(images, (-1, 6, 5, 1))
    return score_of(tf.nn.conv2d(shaped, tf.ones((1, 1, 1, 1)), 1, "SAME")[..., 0])


def sequence_convolution(images):
    return score_of(tf.nn.conv1d(images, tf.eye(5)[None], 1, "SAME"))


def sequence_dense(images):
    return score_of(tf.matmul(images, tf.eye(5, batch_shape=[1])))


@pytest.mark.parametrize(
    ("network", "window"),
    [
        (score_of, (3, 3)), (gray_convolution, (3, 3)), (gray_reshape, (3, 3)),
        (sequence_convolution, (3, 5)), (sequence_dense, (3, 5)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(None, 6, 5), (1, 6, 5), (None, None, 5)])
def test_pairs_constructors_read_rows_and_columns(network, window, shape):
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.float32, shape)
        y = network(images)[0]
    session = tf.compat.v1.Session(graph=graph)
    mask = saliency.tf.Occlusion(graph, session, y, images).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected(window), rtol=1e-4, atol=1e-6)


def test_graph_adapter_warns_of_assumed_axes():
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.float32, (None, 6, 5))
        y = score_of(images)
    session = tf.compat.v1.Session(graph=graph)
    with pytest.warns(UserWarning, match=ASSUMED):
        mask = saliency.Occlusion(saliency.tf.GraphAdapter(graph, session, y, images), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-4, atol=1e-6)
    named = saliency.tf.Occlusion(graph, session, y, images, channel_axis=0).GetMask(X, size=3)
    np.testing.assert_allclose(named, expected((6, 3)), rtol=1e-4, atol=1e-6)
