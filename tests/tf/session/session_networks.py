"""Networks in TensorFlow 1 graphs, with sessions that have run them; and assertions."""

import keras
import numpy as np
import tensorflow as tf

from saliency import Deconvnet, GuidedBackprop, Vanilla
from tests.tf.relu_networks import W1, W2, W3, X

v1 = tf.compat.v1

RULES = {"guided": GuidedBackprop, "rectified": Deconvnet, None: Vanilla}


def assert_close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert abs(expected).max() > 1e-3  # any small array is close to zeros
    np.testing.assert_allclose(found, expected, atol=tolerance * abs(expected).max(), rtol=0)


def perceptron(relu=tf.nn.relu, resource=True, batch=None, head=tf.identity):
    """Return the network of relu_networks, whose gradients are known: graph, session, y (N, 3), x (N, 6)."""
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (batch, 6), name="x")
        one, two, three = (
            v1.get_variable(n, initializer=w, use_resource=resource) for n, w in zip("abc", (W1, W2, W3), strict=True)
        )
        y = head(relu(relu(x @ one) @ two) @ three)
        session = v1.Session(graph=graph)
        session.run(v1.global_variables_initializer())
    session.run(y, {x: X if batch is None else np.repeat(X[:1], batch, 0)})  # gradients are harder to add after a run
    return graph, session, y, x


def keras_model_of_images():
    """Return an image classifier that ends in a softmax."""
    keras.utils.set_random_seed(3)
    x = keras.Input((8, 8, 3))
    h = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
    h = keras.layers.MaxPooling2D(2)(h)
    h = keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="last")(h)
    h = keras.layers.Dense(4, activation="softmax", name="classes")(keras.layers.Flatten()(h))
    model = keras.Model(x, h)
    for weights in model.weights:
        weights.assign(np.random.default_rng(weights.shape[-1]).normal(size=weights.shape) / 3)
    return model


def session_of_keras_model(model, resource=True):
    """Build the network of ``keras_model_of_images`` in TensorFlow 1: graph and session."""
    graph, weights = tf.Graph(), model.get_weights()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, 8, 8, 3), name="x")
        selected = v1.placeholder(tf.int32, (), name="selected")
        k1, b1, k2, b2, d, c = (v1.get_variable(f"w{i}", initializer=w, use_resource=resource) for i, w in enumerate(weights))
        h = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, k1, 1, "SAME") + b1, name="first"), 2, 2, "SAME")
        h = tf.nn.relu(tf.nn.conv2d(h, k2, 1, "SAME") + b2, name="last")
        logits = tf.add(tf.reshape(h, (-1, 80)) @ d, c, name="logits")
        tf.nn.softmax(logits, name="probabilities")
        tf.identity(logits[0][selected], name="y")
        session = v1.Session(graph=graph)
        session.run(v1.global_variables_initializer())
    return graph, session
