"""Attribution at a layer of Keras models and at an operation of a function, against gradients by tape."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradientSHAP, IntegratedGradients, OutputOf
from saliency.core.errors import ModelError
from tests.tf.eager.keras_networks import IMAGES, chain, snapshot

L = keras.layers


def integrated(after, start, end, steps=5):
    """Integrate the gradient of a score of values between two ends."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    total = 0.0
    for node, weight in zip(nodes / 2 + 0.5, weights / 2, strict=True):
        h = tf.constant(start + np.float32(node) * (end - start))
        with tf.GradientTape() as tape:
            tape.watch(h)
            score = after(h)
        total = total + weight * tape.gradient(score, h).numpy() * (end - start)
    return total


def test_the_model_continues_from_the_values_on_the_path():
    model = chain()
    model(IMAGES)
    before = snapshot(model)

    def upto(x, name):
        h = tf.constant(x)
        for layer in model.layers[: [layer.name for layer in model.layers].index(name)]:
            h = layer(h)
        return h.numpy()

    def after(h):
        for layer in model.layers[2:-1]:
            h = layer(h)
        return tf.matmul(h, model.layers[-1].kernel)[:, 2]

    end, start = upto(IMAGES, "two"), upto(np.zeros_like(IMAGES), "two")
    expected = integrated(after, start, end)
    for at in ("two", OutputOf("pool")):
        np.testing.assert_allclose(IntegratedGradients(model, 2, at=at, x_steps=5).GetMasks(IMAGES), expected, atol=1e-6)
    assert snapshot(model) == before
    details = IntegratedGradients(model, 2, at="two", tolerance=1e-3).GetMasks(IMAGES).details
    assert (np.abs(details["gap"]) <= 1e-3 * np.abs(details["change"])).all()


def test_the_last_call_is_replaced_and_other_paths_keep_the_input():
    keras.utils.set_random_seed(0)
    shared, end_layer, x = L.Dense(3, activation="tanh", name="shared"), L.Dense(2), keras.Input((3,))
    model = keras.Model(x, end_layer(L.Multiply()([shared(shared(x)), x])))
    rows = IMAGES[0, 0]
    start, end = shared(np.zeros_like(rows)).numpy(), shared(rows).numpy()
    expected = integrated(lambda h: end_layer(shared(h) * rows)[:, 1], start, end)
    mask = IntegratedGradients(model, 1, at="shared", x_steps=5).GetMasks(rows)
    np.testing.assert_allclose(mask, expected, atol=1e-6)
    outputs = IntegratedGradients(model, 1, at=OutputOf("shared"), path="layer", x_steps=1).GetMasks(
        rows
    )  # the rest is linear
    difference = shared(end).numpy() - shared(start).numpy()
    np.testing.assert_allclose(outputs, difference * rows * end_layer.kernel.numpy()[:, 1], atol=1e-6)


@pytest.mark.parametrize("signature", [None, [tf.TensorSpec([None, 3])]])
def test_operations_of_a_function(signature):
    weights = tf.Variable(np.random.default_rng(0).normal(size=(3, 3)).astype("float32"))

    def network(x):
        h = tf.nn.tanh(tf.matmul(x, weights), name="hidden")
        return tf.multiply(h, h, name="square") * x + h

    adapter = saliency.wrap(tf.function(network, input_signature=signature))
    rows, h = IMAGES[0, 0], tf.tanh(IMAGES[0, 0] @ weights).numpy()
    expected = integrated(lambda h: (h * h * rows + h)[:, 1], np.zeros_like(h), h)
    mask = IntegratedGradients(adapter, 1, at=OutputOf("hidden"), x_steps=5).GetMasks(rows)
    np.testing.assert_allclose(mask, expected, atol=1e-6)
    squared = integrated(lambda s: (s * rows + h)[:, 1], np.zeros_like(h), h * h)  # only through the operation
    mask = IntegratedGradients(adapter, 1, at=OutputOf("square"), x_steps=5).GetMasks(rows)
    np.testing.assert_allclose(mask, squared, atol=1e-6)
    both = integrated(lambda v: (v * v * rows + h)[:, 1], np.zeros_like(h), h)
    np.testing.assert_allclose(IntegratedGradients(adapter, 1, at="square", x_steps=5).GetMasks(rows), both, atol=1e-6)


def test_a_session_s_graph_is_refused():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3), name="x")
        y = tf.multiply(x, x, name="y") * 1.0
        adapter = saliency.tf.GraphAdapter(graph, tf.compat.v1.Session(graph=graph), y, x)
    with pytest.raises(
        ModelError, match=r"`at` \(='y'\) of this method needs a Torch module, .* GraphAdapter does not support"
    ):
        GradientSHAP(adapter, 0, at="y").GetMask(IMAGES[0, 0, 0])
