"""Test gradients with respect to a layer's input in Keras models."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import GradientError, NoReLUError, TargetError
from tests.tf.eager.keras_networks import IMAGES, chain, snapshot

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # small networks may be dead

METHODS = [Vanilla, GuidedBackprop, Deconvnet]


def layers_from(model, at):
    """Return the layers from one on as a model, and its inputs."""
    place, h = [layer.name for layer in model.layers].index(at), tf.constant(IMAGES)
    for layer in model.layers[:place]:
        h = layer(h)
    return keras.Sequential([keras.Input(h.shape[1:]), *model.layers[place:]]), h.numpy()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", ["one", "pool", "two", "relu", "flat", "hidden"])
def test_gradient_equals_that_of_the_remaining_layers(method, at):
    model = chain()
    tail, h = layers_from(model, at)
    model(IMAGES)  # Keras sets attributes on the first call
    before = snapshot(model)
    got = method(model, 2).GetMasks(IMAGES, at=at)
    assert got.shape == h.shape and got.any() and snapshot(model) == before
    np.testing.assert_allclose(got, method(tail, 2).GetMasks(h), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(got, method(model, 2, at=model.get_layer(at)).GetMasks(IMAGES))


def test_gradient_at_a_dense_layer_is_a_column_of_its_weights():
    model = chain()
    np.testing.assert_array_equal(Vanilla(model, 2, at="classes").GetMask(IMAGES[0]), model.layers[-1].kernel[:, 2])


def test_several_targets_of_an_input_and_a_layer_as_target():
    model = chain()
    together = Vanilla(model).GetMasks([x for x in IMAGES[:2] for _ in range(4)], [*range(4)] * 2, at="hidden")
    one_by_one = np.stack([Vanilla(model, y).GetMask(x, at="hidden") for x in IMAGES[:2] for y in range(4)])
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5, atol=1e-7)
    kernel = model.get_layer("two").kernel.numpy()  # target and differentiated layer are the same
    wanted = np.zeros((3, 3, 3, 4), np.float32)
    for i in range(2):
        for j in range(2):
            wanted[:, i : i + 2, j : j + 2] += kernel[..., 1] / 4
    np.testing.assert_allclose(Vanilla(model, ("two", 1), at="two").GetMasks(IMAGES), wanted, rtol=1e-5)


def test_smoothed_mask_at_a_layer():
    got = GuidedBackprop(chain(), 1).GetSmoothedMask(IMAGES[0], nsamples=6, seed=1, at="two")
    assert got.shape == (3, 3, 4) and got.any()


def test_gradient_at_the_last_call_of_a_shared_layer():
    keras.utils.set_random_seed(0)
    shared = L.Dense(3, activation="relu", name="shared")
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(shared(shared(x))))
    h = tf.constant(shared(IMAGES[0, 0]))
    with tf.GradientTape() as tape:
        tape.watch(h)
        score = model.layers[-1](shared(h))[:, 1]
    np.testing.assert_allclose(Vanilla(model, 1, at="shared").GetMasks(IMAGES[0, 0]), tape.gradient(score, h), rtol=1e-5)


def test_residual_path_is_excluded_and_all_arguments_count():
    keras.utils.set_random_seed(0)
    x = keras.Input((5, 4))
    h = L.Dense(4)(x)
    h = L.Add()([h, L.MultiHeadAttention(2, 3, name="attention")(h, h)])
    model = keras.Model(x, L.Dense(3)(L.GlobalAveragePooling1D()(h)))
    tokens = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)
    attention, last = model.get_layer("attention"), model.layers[-1]
    seen = tf.constant(model.layers[1](tokens))
    with tf.GradientTape() as tape:
        tape.watch(seen)
        score = last(tf.reduce_mean(attention(seen, seen), 1))[:, 1]
    np.testing.assert_allclose(
        Vanilla(model, 1, at="attention").GetMasks(tokens), tape.gradient(score, seen), rtol=1e-4, atol=1e-7
    )


def test_nested_layer_inside_a_function():
    class Outer(L.Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = L.Dense(4, activation="relu", name="inner")

        @tf.function
        def call(self, x):
            return self.inner(x + 1)

    keras.utils.set_random_seed(0)
    x = keras.Input((3,))
    model = keras.Model(x, L.Dense(2)(Outer()(x)))
    np.testing.assert_allclose(
        Vanilla(model, 1, at="outer/inner").GetMasks(IMAGES[0, 0]), Vanilla(model, 1).GetMasks(IMAGES[0, 0]), rtol=1e-5
    )


def test_mixed_precision_returns_float32():
    got = Vanilla(chain(dtype="mixed_float16"), 1, at="two").GetMask(IMAGES[0])
    assert got.dtype == np.float32 and got.any()


def test_recorded_input_keeps_the_keras_mask():
    keras.utils.set_random_seed(0)
    words = keras.Input((6,))
    h = L.Masking()(L.Reshape((6, 1))(words))
    model = keras.Model(words, L.Dense(2)(L.LSTM(3, name="lstm")(h)))
    x = np.array([[1.0, 2.0, 0.0, 0.0, 3.0, 0.0]], np.float32)
    got = Vanilla(model, 1, at="lstm").GetMasks(x)
    np.testing.assert_allclose(got[..., 0], Vanilla(model, 1).GetMasks(x), rtol=1e-5)
    assert not got[0, 2].any()


def model_of_unsuitable_layers():
    x = keras.Input((4,))
    h = L.Add(name="sum")([L.Dense(4, name="dense")(x), x])
    h = L.Embedding(4, 3, name="embedding")(keras.ops.cast(h > 0, "int32"))  # (N, 4, 3)
    h = L.Lambda(lambda h: tf.transpose(h, (1, 0, 2)), name="turned")(h)
    h = L.Lambda(lambda h: tf.transpose(h, (1, 0, 2)), name="back")(h)
    return keras.Model(x, L.Dense(2, name="end")(L.Flatten()(h)))


@pytest.mark.parametrize(
    ("at", "match"),
    [
        ("sum", "layer 'sum' takes a list"),
        ("embedding", "layer 'embedding' takes a int32"),
        ("back", r"layer 'back' takes the shape \(4, 2, 3\) for 2 score\(s\)"),
        ("den", r"`at` \(='den'\) must be one of the model's"),
        (L.ReLU(), r"`at` \(ReLU\) must be a layer of the model"),
    ],
)
def test_errors(at, match):
    model = model_of_unsuitable_layers()
    model(np.ones((2, 4)))
    before = snapshot(model)
    with pytest.raises(TargetError, match=match):
        Vanilla(model, 1).GetMasks(np.ones((2, 4)), at=at)
    assert snapshot(model) == before


def test_score_that_does_not_depend_on_the_layer():
    with pytest.raises(GradientError, match="does not depend on the input of layer 'hidden'"):
        Vanilla(chain(), ("one", 0), at="hidden").GetMask(IMAGES[0])
    with pytest.raises(NoReLUError, match="no ReLU between the input of layer 'classes' and the score"):
        GuidedBackprop(chain(), 0, at="classes").GetMask(IMAGES[0])
