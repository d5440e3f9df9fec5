"""Test that models, variables and process-wide settings are unchanged after a call."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from saliency import GradCAM, GuidedBackprop, Vanilla
from saliency.core.errors import InputError, TargetError
from tests.tf.eager.keras_networks import PICTURES, convolutional_model, snapshot
from tests.tf.relu_networks import X

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_model_and_global_settings_do_not_change(package):
    model = convolutional_model(package=package)
    model(PICTURES)
    tf.random.set_seed(7)
    expected = tf.random.normal((3,)).numpy()
    before, trainable, eager = snapshot(model), model.trainable, tf.config.functions_run_eagerly()
    tf.random.set_seed(7)
    for method in (Vanilla, GuidedBackprop, GradCAM):
        method(model, 2).GetSmoothedMask(PICTURES[0], nsamples=2, seed=1)
        with pytest.raises(TargetError):
            method(model, 9).GetMask(PICTURES[0])
    np.testing.assert_array_equal(tf.random.normal((3,)), expected)  # the global generator was not used
    assert snapshot(model) == before
    assert (model.trainable, tf.config.functions_run_eagerly()) == (trainable, eager)


def test_layers_are_restored_after_an_exception_while_tracing():
    class Failing(L.Layer):
        fails = False

        def call(self, x):
            if self.fails:
                raise RuntimeError("not today")
            return x

    model = keras.Sequential([keras.Input((6,)), L.Dense(3, name="first"), Failing()])
    model.layers[-1].fails = True
    with pytest.raises(InputError, match="not today"):
        GradCAM(model, 0, layer="first").GetMask(X[0])
    assert "call" not in vars(model.layers[0])


def test_recurrent_state_is_restored():
    model = keras.Sequential([keras.Input((7, 4), batch_size=1), L.LSTM(5, stateful=True), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(7, 4))
    states = [state.numpy() for state in model.layers[0].states]
    masks = [Vanilla(model, 1).GetMask(x) for _ in range(3)]
    np.testing.assert_array_equal(masks[0], masks[2])
    for before, state in zip(states, model.layers[0].states, strict=True):
        np.testing.assert_array_equal(before, state.numpy())
