"""Test SavedModels that call functions with gradients of their own: the masks are those of the model before it was saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

import saliency
from tests.tf.relu_networks import Module, X, saved_module

L = keras.layers


@tf.custom_gradient
def reversed_gradient(x):
    return tf.tanh(x), lambda dy: -dy  # captures nothing


@tf.custom_gradient
def straight_through(x):
    scale = tf.reduce_mean(tf.abs(x), axis=1, keepdims=True)  # an intermediate tensor
    return tf.sign(x) * scale, lambda dy: dy * tf.cast(tf.abs(x) < 2 * scale, dy.dtype)


@tf.custom_gradient
def weighted_sum(a, b):
    return a + b * b, lambda dy: (dy * a, dy * b)


def in_a_branch(x):
    return tf.cond(tf.reduce_sum(x * x) >= 0, lambda: straight_through(x * 1.0), lambda: -x)


def with_a_captured_argument(x):
    @tf.custom_gradient
    def inner(z):
        return z * 2.0, lambda dy: dy * tf.sigmoid(x)  # `x` is no input of `inner`

    return inner(tf.tanh(x))


FUNCTIONS = {
    "silu": tf.nn.silu,
    "reversed": reversed_gradient,
    "straight through": straight_through,
    "two inputs": lambda x: weighted_sum(x, tf.sin(x)),
    "in a branch": in_a_branch,
    "in a function that is called twice": tf.function(straight_through),
    "a captured argument": tf.function(with_a_captured_argument),
    "recomputed": tf.recompute_grad(tf.nn.gelu),
}


def tape_gradient(model, x, y):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[:, y]
    return tape.gradient(score, x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_saved_functions_keep_their_gradients(name, tmp_path):
    module = Module(FUNCTIONS[name])
    expected = tape_gradient(module, X, 1)
    saved = saliency.wrap(saved_module(tmp_path / "saved", FUNCTIONS[name]), trust=True)
    np.testing.assert_allclose(saliency.Vanilla(module, 1).GetMasks(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(saliency.Vanilla(saved, 1).GetMasks(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("activation", ["silu", "swish", keras.activations.gelu, "mish", "hard_silu"])
def test_exported_keras_models(activation, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    y = L.Conv2D(4, 3, activation=activation, name="conv")(L.Conv2D(4, 3, activation=activation)(inputs))
    model = keras.Model(inputs, L.Dense(5)(L.GlobalAveragePooling2D()(y)))
    model.export(str(tmp_path), verbose=False)
    x = np.random.default_rng(0).normal(size=(3, 16, 16, 3)).astype("f4")
    for method in (saliency.Vanilla, saliency.IntegratedGradients):
        right = np.asarray(method(model, 3).GetMasks(x))
        found = method(saliency.wrap(str(tmp_path), trust=True), 3).GetMasks(x)
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5 * np.abs(right).max())


def test_saved_model_in_a_keras_model(tmp_path):
    layer = L.TFSMLayer(saved_module(tmp_path / "saved", straight_through), call_endpoint="serving_default")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, L.Activation("silu")(layer(L.Activation("silu")(inputs))["output_0"]))
    expected = tape_gradient(lambda x: tf.nn.silu(Module(straight_through)(tf.nn.silu(x))), X, 1)
    np.testing.assert_allclose(saliency.Vanilla(model, 1).GetMasks(X), expected, rtol=1e-5, atol=1e-6)


def test_error_for_gradients_that_were_not_saved(tmp_path, monkeypatch):
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(Module(straight_through), str(tmp_path), options=options)
    known = {name: value for name, value in gradient_registry._registry.items() if not name.startswith("CustomGradient-")}
    monkeypatch.setattr(gradient_registry, "_registry", known)  # as in another process
    with pytest.raises(saliency.ModelError, match=r"gradient of its own.*experimental_custom_gradients=True"):
        saliency.Vanilla(saliency.wrap(str(tmp_path), trust=True), 1).GetMask(X[0])
