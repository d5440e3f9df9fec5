"""Layers that assign variables or Python attributes are left as they were, bit for bit, and every pass starts from their state."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from tests.tf.eager.stateful_layers import KINDS, Assigns, Attributes, L, X, model_with, state


@pytest.mark.filterwarnings("ignore:the samples of a batch:saliency.BatchWarning")  # the noise of a layer differs in a batch
@pytest.mark.filterwarnings("ignore:the model has operations in train mode")
@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_restored_and_masks_repeat(kind):
    model = model_with(kind())
    model(X[None])
    if kind is Attributes:
        kept = model.layers[1].last
    before = state(model)
    methods = {
        "vanilla": lambda: saliency.Vanilla(model, 1).GetMask(X),
        "path": lambda: saliency.IntegratedGradients(model, 1, batch_size=2).GetMask(X, x_steps=5),
        "occlusion": lambda: saliency.Occlusion(model, 1).GetMask(X, size=3, stride=3),
        "cam": lambda: saliency.GradCAM(model, 1).GetMask(X),
    }
    for name, method in methods.items():
        first, second = method(), method()
        assert state(model) == before, name
        np.testing.assert_array_equal(first, second)
    if kind is Attributes:
        assert model.layers[1].last is kept and isinstance(kept.numpy(), np.ndarray)
    mask = saliency.Vanilla(model, 1).GetMask(X)
    x = tf.constant(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 1]  # the user's own pass is the first one that changes the state
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_attributes_are_restored_after_an_exception(error):
    class Fails(Attributes):
        fails = None

        def change(self, x):
            super().change(x)
            if Fails.fails:
                raise Fails.fails

    model = model_with(Fails())
    model(X[None])
    Fails.fails = error("no")
    before = state(model)
    with pytest.raises((error, saliency.SaliencyError)):
        saliency.Vanilla(model, 1).GetMask(X)
    assert state(model) == before


def test_the_lists_of_a_module_can_still_be_saved(tmp_path):
    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.w, self.history, self.cache = tf.Variable(tf.ones((3, 2))), [], {}

        @tf.function
        def __call__(self, x):
            y = tf.tanh(tf.reduce_mean(x, (1, 2)) @ self.w)
            self.history.append(y)
            self.cache["y"] = y
            return y

    module = Module()
    saliency.Vanilla(module, 1).GetMask(X)
    assert not module.history and not module.cache
    tf.train.Checkpoint(module=module).save(str(tmp_path / "checkpoint"))


def test_a_model_that_the_first_mask_builds_stays_built():
    model = keras.Sequential([L.Conv2D(3, 3), Assigns(), L.GlobalAveragePooling2D()])
    mask = saliency.Vanilla(model, 1).GetMask(X)
    weights = [each.numpy() for each in model.weights]
    assert len(weights) == 2
    x = tf.constant(X[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[0, 1]
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-6)
    for before, each in zip(weights, model.weights, strict=True):
        np.testing.assert_array_equal(before, each)


def test_a_keras_2_model_without_weights_is_refused():
    model = tf_keras.Sequential([tf_keras.layers.Conv2D(3, 3), tf_keras.layers.GlobalAveragePooling2D()])
    with pytest.raises(saliency.ModelError, match=r"has no weights yet: call it once on inputs"):
        saliency.Vanilla(model, 1).GetMask(X)


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_stateful_recurrent_layers_continue_from_their_state(layer):
    model = keras.Sequential([keras.Input((7, 4), batch_size=1), getattr(L, layer)(5, stateful=True), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(1, 7, 4)).astype("f4")
    model(x)
    states = [np.asarray(each) for each in model.layers[0].states]
    path = saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x[0], x_steps=4)
    mask = saliency.Vanilla(model, 1).GetMask(x[0])
    np.testing.assert_array_equal(saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x[0], x_steps=4), path)
    for before, each in zip(states, model.layers[0].states, strict=True):
        np.testing.assert_array_equal(before, each)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        score = model(tensor)[0, 1]
    np.testing.assert_allclose(mask, tape.gradient(score, tensor)[0], rtol=1e-4, atol=1e-6)
