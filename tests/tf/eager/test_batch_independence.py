"""Keras models and functions whose samples influence each other are evaluated one at a time; others keep their batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
X = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)


def network(change=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    hidden = L.Lambda(change)(inputs) if change else inputs
    return keras.Model(inputs, L.Dense(4)(L.Flatten()(L.Conv2D(8, 3, activation="relu", name="conv")(hidden))))


MIXING = {
    "extremes": lambda x: (x - tf.reduce_min(x)) / (tf.reduce_max(x) - tf.reduce_min(x)),
    "mean": lambda x: x - 0.5 * tf.reduce_mean(x, 0),
    "number": lambda x: x / tf.cast(tf.shape(x)[0], x.dtype),
    "moments": lambda x: (x - tf.reduce_mean(x, (0, 1, 2))) / tf.math.reduce_std(x, (0, 1, 2)),
    "previous": lambda x: tf.cumsum(x, 0),
}

METHODS = {
    "gradient": lambda model, **o: saliency.Vanilla(model, 1, **o).GetMasks(X),
    "smoothed": lambda model, **o: saliency.Vanilla(model, 1, **o).GetSmoothedMask(X[0], seed=0),
    "top classes": lambda model, **o: saliency.InputXGradient(model, **o).GetMasks(X),
    "rise": lambda model, **o: saliency.RISE(model, 1, **o).GetMask(X[0], nmasks=20, seed=0),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", MIXING)
def test_the_numbers_are_those_of_one_at_a_time(kind, method):
    model = network(MIXING[kind])
    with pytest.warns(saliency.BatchWarning, match="batch_size=1") as caught:
        found = METHODS[method](model)
    assert len(caught) == 1
    np.testing.assert_array_equal(found, METHODS[method](model, batch_size=1))
    METHODS[method](model)  # another warning would be an error


def test_a_function():
    net = network()
    function = tf.function(lambda x: net(x) - tf.reduce_mean(net(x), 0) / 2)
    with pytest.warns(saliency.BatchWarning):
        found = saliency.IntegratedGradients(function, 1).GetMask(X[0])
    np.testing.assert_array_equal(found, saliency.IntegratedGradients(function, 1, batch_size=1).GetMask(X[0]))


def test_a_callable_target_over_the_samples():
    model = network()

    def share(outputs):
        return tf.nn.softmax(outputs, 0)[:, 1] + outputs[:, 1]

    with pytest.warns(saliency.BatchWarning):
        found = saliency.Vanilla(model, share).GetMasks(X)
    np.testing.assert_array_equal(found, [saliency.Vanilla(model, share).GetMask(one) for one in X])
    saliency.Vanilla(model, 1).GetMasks(X)  # the model itself keeps its batches


def test_a_model_that_accepts_one_input_at_a_time():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((7, 4), batch_size=1), L.LSTM(5, stateful=True), L.Dense(3)])
    x = np.random.default_rng(0).normal(size=(7, 4))
    with pytest.warns(saliency.BatchWarning, match="but not for one: .*batch_size=1"):
        found = saliency.IntegratedGradients(model, 1).GetMask(x)
    np.testing.assert_array_equal(found, saliency.IntegratedGradients(model, 1, batch_size=1).GetMask(x))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_independent_samples_are_not_mistaken(policy, seed):
    keras.utils.set_random_seed(seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layers = [L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(), L.LayerNormalization(), L.Flatten(), L.Dense(4)]
        model = keras.Sequential([keras.Input((8, 8, 3)), *layers, L.Softmax(dtype="float32")])
    finally:
        keras.config.set_dtype_policy(before)
    saliency.Vanilla(model, 1).GetMasks(X)
    saliency.IntegratedGradients(model, 1, logits=False).GetMask(X[seed])
