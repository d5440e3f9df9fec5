"""Incremental occlusion equals full forward passes, for windows, inputs, targets and networks of every kind."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import saliency
from saliency import nets
from saliency.tf import KerasAdapter
from tests.tf.incremental.comparison import (
    RNG,
    X,
    assert_equal_to_full,
    conv,
    function_of,
    layers_of,
    network,
    residual_network,
)

pytestmark = pytest.mark.usefixtures("force_incremental")


@pytest.mark.parametrize("size", [(5, 6), (1, 12), (18, 3), (20, 24)])
@pytest.mark.parametrize("value", [0.3, X[2]], ids=["a number", "another input"])
def test_windows_and_baselines(size, value, monkeypatch):
    model = residual_network()
    stride = tuple(min(5, one) for one in size)
    assert_equal_to_full(model, monkeypatch, size=size, stride=stride, value=value, average=True)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_several_inputs_and_targets(batch_size, monkeypatch):
    settings, model = {"batch_size": batch_size}, residual_network()
    assert_equal_to_full(model, monkeypatch, X, [2, [0, 1], 3], settings=settings)
    assert_equal_to_full(model, monkeypatch, [X[0]] * 3 + [X[1]] * 3, [0, 1, 2] * 2, settings=settings)
    assert_equal_to_full(model, monkeypatch, X, lambda outputs: outputs[:, 1] ** 2, settings=settings)


def test_targets_in_layers(monkeypatch):
    model = residual_network()
    for layer in (model.layers[1].name, model.layers[-3].name):
        assert_equal_to_full(model, monkeypatch, y=(layer, range(5)))
    assert_equal_to_full(model, monkeypatch, y=(model.layers[1].name, 4, 8, 9))


def test_patches_as_output(monkeypatch):
    model = network(conv(), layers_of(layers.ReLU), conv(), end=False)
    assert_equal_to_full(model, monkeypatch)
    assert_equal_to_full(model, monkeypatch, y=lambda outputs: tf.reduce_sum(outputs**2, (1, 2, 3)))


def test_logits_are_found(monkeypatch):
    model = network(conv(), layers_of(layers.ReLU))
    found = assert_equal_to_full(keras.Model(model.inputs, keras.ops.softmax(model.outputs[0])), monkeypatch)
    np.testing.assert_array_equal(found, assert_equal_to_full(model, monkeypatch))


def test_other_inputs(monkeypatch):
    kernel = RNG.normal(size=(3, 3, 3, 4))

    @tf.function
    def model(x, shift, scale):
        x = tf.nn.relu(tf.nn.conv2d(x * scale, tf.cast(kernel, x.dtype), 1, "SAME"))
        return tf.reduce_mean(x + shift[:, None, None, None], (1, 2)) ** 2 * tf.cast(shift, x.dtype)[:, None]

    feed = {"shift": np.array([0.5, 1.0, 2.0], np.float32), "scale": np.float32(2.0)}
    assert_equal_to_full(model, monkeypatch, X, within=1e-4, feed_dict=feed)


def test_one_of_several_inputs(monkeypatch):
    one, other = keras.Input((20, 24, 3), name="image"), keras.Input((20, 24, 3), name="other")
    x = layers.Concatenate()([layers.Conv2D(4, 3)(one), layers.Conv2D(4, 3)(other)])
    model = keras.Model([one, other], layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.ReLU()(x))))
    assert_equal_to_full(model, monkeypatch, X, within=1e-4, feed_dict={"other": RNG.normal(size=X.shape)})


def test_channels_first(monkeypatch, operation_types):
    first = {"data_format": "channels_first"}
    model = network(
        conv(padding="same", strides=2, **first),
        layers_of(layers.BatchNormalization, axis=1),
        layers_of(layers.ReLU),
        layers_of(layers.MaxPooling2D, 2, **first),
        shape=(3, 20, 24),
        dtype="float32",
        **first,
    )
    assert_equal_to_full(model, monkeypatch, np.moveaxis(X, 3, 1), within=1e-4)
    assert not operation_types(full_maps=True) and "Transpose" in operation_types()


def test_float32_and_half_precision(monkeypatch):
    assert_equal_to_full(residual_network(dtype="float32"), monkeypatch, within=1e-4)
    half = saliency.Occlusion(residual_network(dtype="mixed_float16"), 1)  # agrees nearly to the bit, or is computed plainly
    assert np.isfinite(half.GetMasks(X, size=6, stride=6)).all()


def test_the_bundled_network(monkeypatch):
    model = nets.load("DemoNet", framework="tf").model
    x = RNG.random((2, 96, 96, 3))
    assert_equal_to_full(model, monkeypatch, x, [3, 5], within=1e-4, size=24, stride=24)
    assert_equal_to_full(model, monkeypatch, x, [3, 5], within=1e-4, size=(40, 9), stride=(40, 9), value="blur")


def test_clean_maps_are_computed_once(monkeypatch):
    """A call of the model's own operations on all windows would grow with them; here it runs once for the clean input."""
    kernel, calls = RNG.normal(size=(3, 3, 3, 4)), []

    def convolve(x, kernel):
        tf.py_function(lambda one: calls.append(len(one)), [x], [])
        return tf.reduce_mean(tf.nn.conv2d(x, kernel, 1, "SAME"), (1, 2))

    adapter = KerasAdapter(function_of([kernel], convolve))
    x = adapter.asarray(X[:1])
    from saliency.core.target import Target

    occluded = adapter.occluded_outputs(x, x * 0, (6, 6), Target.of([1]))
    for batch in (1, 4, 2):
        occluded.outputs(np.zeros(batch, int), np.zeros((batch, 2), int), {})
    assert max(calls, default=1) == 1


def test_model_state_is_preserved():
    model = residual_network(dtype="float32")
    before, state = [weight.numpy() for weight in model.weights], tf.random.get_global_generator().state.numpy()
    assert saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=6).details["incremental"]
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    assert (tf.random.get_global_generator().state.numpy() == state).all() and model.trainable
