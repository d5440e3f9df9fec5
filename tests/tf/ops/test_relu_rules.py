"""Every ReLU gets the rule, however it was written, and the model stays as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import ModelError, NoReLUError
from tests.tf.relu_networks import NETWORKS, Module, X, by_hand, functional, subclassed

METHODS = {None: Vanilla, "guided": GuidedBackprop, "rectified": Deconvnet}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_relu_is_reached(name, tmp_path):
    model = saliency.wrap(NETWORKS[name](tmp_path / "saved"))
    for rule in ("guided", "rectified", None):  # the last one: nothing is left of the first two
        masks = METHODS[rule](model).GetMasks(X, y=[0, 1, 2, 0])
        expected = [by_hand(x, y, rule) for x, y in zip(X, [0, 1, 2, 0], strict=True)]
        np.testing.assert_allclose(masks, expected, rtol=1e-4, atol=1e-5)


def test_the_rules_differ():
    gradients = [by_hand(X[0], 0, rule) for rule in METHODS]
    assert all(abs(a - b).max() > 0.1 for i, a in enumerate(gradients) for b in gradients[:i])


def test_a_ceiling_stops_a_guided_gradient_and_not_a_rectified_one():
    model = functional(keras.layers.ReLU(6), keras.layers.ReLU(6))
    x = 4 * X[1]
    z1 = x @ model.get_weights()[0]
    assert (z1 > 6).any()
    w1, w2, w3 = model.get_weights()
    z2 = np.clip(z1, 0, 6) @ w2
    g2 = np.maximum(w3[:, 1], 0)
    rectified = np.maximum(g2 @ w2.T, 0) @ w1.T
    guided = (np.maximum((g2 * (z2 > 0) * (z2 < 6)) @ w2.T, 0) * (z1 > 0) * (z1 < 6)) @ w1.T
    np.testing.assert_allclose(Deconvnet(model, 1).GetMask(x), rectified, rtol=1e-4)
    np.testing.assert_allclose(GuidedBackprop(model, 1).GetMask(x), guided, rtol=1e-4)


def test_a_network_without_relus_is_told():
    model = functional(keras.layers.Activation("gelu"), keras.layers.Activation("tanh"))
    with pytest.raises(NoReLUError, match=r"no ReLU.*Tanh"):
        GuidedBackprop(model, 0).GetMask(X[0])
    alike = GuidedBackprop(model, 0, allow_no_relu=True).GetMask(X[0])
    np.testing.assert_array_equal(alike, Vanilla(model, 0).GetMask(X[0]))


@tf.custom_gradient
def hidden(x):
    y = tf.nn.relu(x)
    return y, lambda dy: dy * tf.cast(x > 0, dy.dtype)


@tf.custom_gradient
def harmless(x):
    return x + 0.0, lambda dy: dy


def test_relus_behind_a_gradient_of_their_own_are_told():
    with pytest.raises(ModelError, match="custom_gradient"):
        GuidedBackprop(subclassed(hidden), 0).GetMask(X[0])
    np.testing.assert_allclose(Vanilla(subclassed(hidden), 0).GetMask(X[0]), by_hand(X[0], 0), rtol=1e-4)
    np.testing.assert_allclose(
        GuidedBackprop(subclassed(lambda x: harmless(tf.nn.relu(harmless(x)))), 0).GetMask(X[0]),
        by_hand(X[0], 0, "guided"),
        rtol=1e-4,
    )


def test_python_in_the_graph_is_told():
    model = subclassed(lambda x: tf.ensure_shape(tf.py_function(tf.nn.relu, [x], tf.float32), x.shape))
    with pytest.raises(ModelError, match="EagerPyFunc"):
        GuidedBackprop(model, 0).GetMask(X[0])


def test_the_model_s_own_gradients_stay_vanilla():
    model = Module()
    GuidedBackprop(model, 0).GetMask(X[0])
    x = tf.constant(X[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 0]
    np.testing.assert_allclose(tape.gradient(score, x)[0], by_hand(X[0], 0), rtol=1e-4)


def test_relus_that_lead_nowhere_do_not_count():
    def activation(x):
        tf.nn.relu(x)  # nothing comes of it
        return tf.tanh(x)

    with pytest.raises(NoReLUError):
        GuidedBackprop(subclassed(activation), 0).GetMask(X[0])
