"""Test that backward rules reach all ReLUs, however they are written, and do not change the model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import ModelError, NoReLUError
from tests.tf.relu_networks import NETWORKS, Module, X, expected_gradient, functional_model, subclassed_model

METHODS = {None: Vanilla, "guided": GuidedBackprop, "rectified": Deconvnet}


@pytest.mark.parametrize("name", NETWORKS)
def test_rules_reach_all_relus(name, tmp_path):
    model = saliency.wrap(NETWORKS[name](tmp_path / "saved"))
    for rule in ("guided", "rectified", None):  # None last: it must not be affected by the first two
        masks = METHODS[rule](model).GetMasks(X, y=[0, 1, 2, 0])
        expected = [expected_gradient(x, y, rule) for x, y in zip(X, [0, 1, 2, 0], strict=True)]
        np.testing.assert_allclose(masks, expected, rtol=1e-4, atol=1e-5)


def test_the_rules_differ():
    gradients = [expected_gradient(X[0], 0, rule) for rule in METHODS]
    assert all(abs(a - b).max() > 0.1 for i, a in enumerate(gradients) for b in gradients[:i])


def test_upper_bound_blocks_guided_gradients_only():
    model = functional_model(keras.layers.ReLU(6), keras.layers.ReLU(6))
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


def test_network_without_relus():
    model = functional_model(keras.layers.Activation("gelu"), keras.layers.Activation("tanh"))
    with pytest.raises(NoReLUError, match=r"no ReLU.*Tanh"):
        GuidedBackprop(model, 0).GetMask(X[0])
    mask = GuidedBackprop(model, 0, allow_no_relu=True).GetMask(X[0])
    np.testing.assert_array_equal(mask, Vanilla(model, 0).GetMask(X[0]))


@tf.custom_gradient
def relu_with_custom_gradient(x):
    y = tf.nn.relu(x)
    return y, lambda dy: dy * tf.cast(x > 0, dy.dtype)


@tf.custom_gradient
def identity_with_custom_gradient(x):
    return x + 0.0, lambda dy: dy


def test_relus_inside_a_custom_gradient():
    with pytest.raises(ModelError, match="custom_gradient"):
        GuidedBackprop(subclassed_model(relu_with_custom_gradient), 0).GetMask(X[0])
    np.testing.assert_allclose(
        Vanilla(subclassed_model(relu_with_custom_gradient), 0).GetMask(X[0]), expected_gradient(X[0], 0), rtol=1e-4
    )
    np.testing.assert_allclose(
        GuidedBackprop(
            subclassed_model(lambda x: identity_with_custom_gradient(tf.nn.relu(identity_with_custom_gradient(x)))), 0
        ).GetMask(X[0]),
        expected_gradient(X[0], 0, "guided"),
        rtol=1e-4,
    )


def test_py_function_is_refused():
    model = subclassed_model(lambda x: tf.ensure_shape(tf.py_function(tf.nn.relu, [x], tf.float32), x.shape))
    with pytest.raises(ModelError, match="EagerPyFunc"):
        GuidedBackprop(model, 0).GetMask(X[0])


def test_gradients_outside_the_library_stay_vanilla():
    model = Module()
    GuidedBackprop(model, 0).GetMask(X[0])
    x = tf.constant(X[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 0]
    np.testing.assert_allclose(tape.gradient(score, x)[0], expected_gradient(X[0], 0), rtol=1e-4)


def test_unused_relus_do_not_count():
    def activation(x):
        tf.nn.relu(x)  # unused
        return tf.tanh(x)

    with pytest.raises(NoReLUError):
        GuidedBackprop(subclassed_model(activation), 0).GetMask(X[0])


def test_rule_reaches_a_relu_before_a_custom_gradient():
    @tf.custom_gradient
    def sum_of(a, b):
        return a + b, lambda dy: (dy, dy)

    model = subclassed_model(lambda x: sum_of(0.0 * x, tf.nn.relu(x)))
    np.testing.assert_allclose(
        GuidedBackprop(model, 0).GetMask(X[0]), expected_gradient(X[0], 0, "guided"), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("gate", ["hard_sigmoid", "hard_silu"])
def test_hard_sigmoid_is_no_relu(gate):
    with pytest.raises(NoReLUError):
        GuidedBackprop(functional_model(keras.layers.Activation(gate), keras.layers.Activation(gate)), 0).GetMask(X[0])
