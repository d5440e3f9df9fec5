"""Test that changed layers, modules and attributes are traced again for the next mask."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency import Vanilla
from tests.tf.eager.keras_networks import tape_gradients
from tests.tf.relu_networks import X, expected_gradient, functional_model

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def apply_changes(model):
    layers = {layer.name: layer for layer in model.layers}
    layers["norm"].adapt(10 + 3 * X)
    yield
    layers["leaky"].negative_slope = 0.9
    yield
    layers["scale"].scale = 3.0
    yield
    layers["end"].enable_lora(2)
    layers["end"].lora_kernel_b.assign(tf.ones_like(layers["end"].lora_kernel_b))
    yield
    layers["leaky"].call = lambda x: x * x
    yield


def test_changed_layer_takes_effect_in_the_next_mask():
    parts = [L.Normalization(name="norm"), L.Rescaling(2.0, name="scale"), L.Dense(5), L.LeakyReLU(0.1, name="leaky")]
    model = keras.Sequential([keras.Input((6,)), *parts, L.Dense(3, name="end")])
    before = Vanilla(model, 1).GetMask(X[0])
    for _ in apply_changes(model):
        mask = Vanilla(model, 1).GetMask(X[0])
        np.testing.assert_allclose(mask, tape_gradients(model, X[:1], 1)[0], rtol=1e-4, atol=1e-6)
        assert np.abs(mask - before).max() > 1e-3
        before = mask


def test_changed_module_takes_effect_in_the_next_mask():
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.w, self.k, self.inner = tf.Variable(tf.ones((6, 2))), 1.0, [2.0]

        def __call__(self, x):
            return (x @ self.w) * self.k * self.inner[0]

    model = Module()
    for change in (lambda: None, lambda: setattr(model, "w", tf.Variable(3 * tf.ones((6, 2)))), lambda: setattr(model, "k", 5.0),
                   lambda: model.inner.__setitem__(0, 7.0)):  # fmt: skip
        change()
        expected = model.w.numpy()[:, 1] * model.k * model.inner[0]
        np.testing.assert_allclose(Vanilla(model, 1).GetMask(X[0]), expected)


def test_new_object_at_an_old_address_is_traced():
    class Times:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * x

    model = functional_model(L.ReLU(), L.ReLU())
    for factor in range(1, 40):
        model.layers[-1].activation = None  # the next object may get the address of the last one
        model.layers[-1].activation = Times(float(factor))
        np.testing.assert_allclose(Vanilla(model, 0).GetMask(X[0]), factor * expected_gradient(X[0], 0), rtol=1e-4)
