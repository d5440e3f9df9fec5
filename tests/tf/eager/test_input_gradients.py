"""Test input gradients of Keras models against those of TensorFlow's tape."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import GradCAM, GuidedBackprop, IntegratedGradients, Occlusion, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.errors import GradientError, TargetError
from saliency.core.target import Target
from tests.tf.eager.keras_networks import PICTURES, convolutional_model, tape_gradients
from tests.tf.relu_networks import X, expected_gradient, functional_model, keep_alive

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_gradient_equals_that_of_the_tape(package):
    model = convolutional_model(package=package)
    np.testing.assert_allclose(Vanilla(model, 2).GetMasks(PICTURES), tape_gradients(model, PICTURES, 2), rtol=1e-4, atol=1e-7)


def test_each_input_has_its_own_target():
    ys = [2, [0, 3], 1]
    model = convolutional_model()
    expected = [tape_gradients(model, PICTURES[i : i + 1], ys[i])[0] for i in (0, 2)]
    masks = Vanilla(model).GetMasks(PICTURES, ys)
    np.testing.assert_allclose(masks[[0, 2]], expected, rtol=1e-4, atol=1e-7)
    both = tape_gradients(model, PICTURES[1:2], 0) + tape_gradients(model, PICTURES[1:2], 3)
    np.testing.assert_allclose(masks[1], both[0], rtol=1e-4, atol=1e-7)


def test_several_targets_of_one_input_match_single_targets():
    model = convolutional_model()
    for method in (Vanilla, GuidedBackprop, IntegratedGradients, GradCAM):
        together = method(model).GetMasks([PICTURES[0]] * 4, range(4))
        np.testing.assert_allclose(together, [method(model, y).GetMask(PICTURES[0]) for y in range(4)], rtol=1e-4, atol=1e-7)


def test_target_is_a_channel_or_unit_of_a_layer():
    model = convolutional_model()
    inner = keras.Model(model.input, model.get_layer("second").output)
    x = tf.constant(PICTURES[:1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        seen = inner(x)
        channel, unit = tf.reduce_mean(seen[..., 3]), seen[0, 2, 1, 3]
    for y, score in ((("second", 3), channel), ((model.get_layer("second"), 3), channel), (("second", 3, 2, 1), unit)):
        np.testing.assert_allclose(Vanilla(model, y).GetMask(PICTURES[0]), tape.gradient(score, x)[0], rtol=1e-4, atol=1e-7)


def test_callable_target():
    model = convolutional_model()
    mask = Vanilla(model, lambda y: tf.square(y[:, 1]) - y[:, 0]).GetMask(PICTURES[0])
    x = tf.constant(PICTURES[:1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x)
        score = y[:, 1] ** 2 - y[:, 0]
    np.testing.assert_allclose(mask, tape.gradient(score, x)[0], rtol=1e-4, atol=1e-7)
    with pytest.raises(TargetError, match="one number per sample"):
        Vanilla(model, lambda y: y).GetMask(PICTURES[0])


@pytest.mark.parametrize(("dtype", "tolerance"), [("mixed_float16", 2e-2), ("mixed_bfloat16", 1e-1), ("float64", 1e-5)])
def test_models_of_other_precision(dtype, tolerance):
    model, plain = convolutional_model(dtype=dtype), convolutional_model()
    model.set_weights(plain.get_weights())
    for method in (Vanilla, GuidedBackprop, GradCAM):
        mask, expected = method(model, 2).GetMask(PICTURES[0]), method(plain, 2).GetMask(PICTURES[0])
        assert mask.dtype == ("float64" if dtype == "float64" else "float32")
        assert abs(mask - expected).max() < tolerance * abs(expected).max()


def test_dropout_and_batch_norm_are_in_inference_mode():
    model = keras.Sequential([keras.Input((6,)), L.BatchNormalization(), L.Dropout(0.9), L.Dense(3, use_bias=False)])
    mask = Vanilla(model, 1).GetMask(X[0])
    np.testing.assert_allclose(mask, model.layers[-1].kernel[:, 1] / np.sqrt(1 + 1e-3), rtol=1e-5)


@pytest.mark.parametrize("kind", [list, np.float64, np.float32, tf.constant, tf.Variable])
def test_inputs_of_any_type(kind):
    model = functional_model(L.ReLU(), L.ReLU())
    x = X[0].tolist() if kind is list else kind(X[0])
    np.testing.assert_allclose(Vanilla(model, 0).GetMask(x), expected_gradient(X[0], 0), rtol=1e-4)


def test_integer_input_has_no_gradient():
    @tf.function(input_signature=[tf.TensorSpec((None, 6), tf.uint8)])
    def model(x):
        return tf.cast(x, tf.float32) @ tf.ones((6, 3))

    concrete = keep_alive(model).get_concrete_function()
    with pytest.raises(GradientError, match="does not depend on `x_value`"):
        Vanilla(concrete, 0).GetMask(np.arange(6))
    drops = Occlusion(concrete, 0, size=1).GetMask(np.arange(6))
    np.testing.assert_allclose(drops, np.arange(6))


def test_gradient_with_respect_to_an_embedding():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((7,), dtype="int32"), L.Embedding(10, 4, name="words"), L.Flatten(), L.Dense(2)])
    with pytest.raises(GradientError):
        Vanilla(model, 0).GetMask(np.arange(7))
    scores, found, gradients = saliency.wrap(model).features(
        tf.constant(np.arange(7.0)[None], tf.float32), Request(Target.of([1]), layer="words")
    )
    kernel = model.layers[-1].kernel.numpy()[:, 1].reshape(7, 4)
    np.testing.assert_allclose(gradients[0].numpy().T, kernel, rtol=1e-5)
    np.testing.assert_allclose(found[0].numpy().T, model.layers[0].embeddings.numpy()[:7], rtol=1e-6)
    assert scores.shape == (1,)
