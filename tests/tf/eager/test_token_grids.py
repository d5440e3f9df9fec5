"""The grid of a Keras layer's tokens is known from the graph, not guessed from their number."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM, GuidedGradCAM

L = keras.layers
RNG = np.random.default_rng(0)


class Beside(L.Layer):
    """Put other tokens in front of the patches and behind them."""

    def __init__(self, front, behind):
        super().__init__(name="beside")
        self.front, self.behind = front, behind

    def build(self, shape):
        self.others = self.add_weight(shape=(1, self.front + self.behind, shape[-1]), initializer="random_normal")

    def call(self, x):
        others = tf.repeat(self.others, tf.shape(x)[0], axis=0)
        return tf.concat([others[:, : self.front], x, others[:, self.front :]], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + self.front + self.behind, shape[2])


class OpenReshape(L.Layer):
    """Reshape to (N, -1, C), so that the number of tokens is unknown in the graph."""

    def call(self, x):
        return keras.ops.reshape(x, (keras.ops.shape(x)[0], -1, x.shape[-1]))

    def compute_output_shape(self, shape):
        return (shape[0], None, shape[3])


@functools.cache
def transformer(front=0, behind=0, height=64, width=64, is_open=False):
    keras.utils.set_random_seed(0)
    x = keras.Input((height, width, 3))
    h = L.Conv2D(8, 8, 8, name="patch")(x)
    h = OpenReshape()(h) if is_open else L.Reshape((h.shape[1] * h.shape[2], 8))(h)
    h = Beside(front, behind)(h) if front + behind else h
    h = L.Add(name="block")([h, L.MultiHeadAttention(2, 4)(h, h)])
    h = L.Add(name="second")([h, L.Dense(8, name="narrow")(L.Dense(16, "gelu")(L.LayerNormalization()(h)))])
    return keras.Model(x, L.Dense(5)(L.GlobalAveragePooling1D()(L.LayerNormalization(name="norm")(h))))


def grad_cam(model, layer, x, first, space):
    """Return Grad-CAM's map of class 3 by its formula, from a model that returns the layer's output as well."""
    both = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    with tf.GradientTape() as tape:
        tape.watch(inputs := tf.constant(x[None]))
        tokens, outputs = both(inputs)
        score = outputs[0, 3]
    gradients = tape.gradient(score, tokens)[0, first : first + np.prod(space)].numpy()
    features = tokens[0, first : first + np.prod(space)].numpy()
    return np.maximum(0, features @ gradients.mean(0)).reshape(space)


@pytest.mark.parametrize("layer", [None, "norm", "second", "narrow"])
@pytest.mark.parametrize(
    ("front", "behind", "height", "width"), [(0, 0, 64, 64), (1, 0, 64, 60), (2, 20, 32, 32), (17, 9, 32, 64)]
)
def test_patches_among_other_tokens(layer, front, behind, height, width):
    model, x = transformer(front, behind, height, width), RNG.normal(size=(height, width, 3)).astype("f4")
    space = height // 8, width // 8
    mask = GradCAM(model, 3, layer).GetMask(x, should_resize=False)
    expected = grad_cam(model, layer or "norm", x, front, space)
    np.testing.assert_allclose(mask, expected, rtol=1e-3, atol=1e-6)
    assert mask.details["grid"].tolist() == list(space) and mask.details["tokens_left_out"] == front + behind
    assert layer is not None or mask.details["layer"] == "norm"


def test_an_open_number_of_tokens():
    x, known = RNG.normal(size=(64, 64, 3)).astype("f4"), transformer()
    model = transformer(is_open=True)
    model.set_weights(known.get_weights())
    for layer in (None, "norm", "block"):
        np.testing.assert_allclose(GradCAM(model, 3, layer).GetMask(x), GradCAM(known, 3, layer).GetMask(x), atol=1e-5)


def columns(h):
    h = L.Reshape((16, 128))(L.Permute((2, 1, 3))(h))
    return L.LSTM(8, return_sequences=True, name="last")(h)


def latents(h):
    keys = L.Reshape((256, 8))(h)
    queries = L.Embedding(16, 8)(L.Lambda(lambda one: tf.range(16)[None] + 0 * tf.cast(one[:, :1, 0], tf.int32))(keys))
    return L.Dense(8, name="last")(L.MultiHeadAttention(2, 4)(queries, keys))


def mixed(h):
    return L.Dense(8, name="last")(L.Permute((2, 1))(L.Dense(16)(L.Permute((2, 1))(L.Reshape((256, 8))(h)))))


@pytest.mark.parametrize("part", [columns, latents, mixed])
def test_a_sequence_is_no_image(part):
    keras.utils.set_random_seed(0)
    x = keras.Input((64, 64, 1))
    h = L.MaxPooling2D(4, name="pool")(L.Conv2D(8, 3, padding="same", activation="relu", name="conv")(x))  # (16, 16, 8)
    model = keras.Model(x, L.Dense(3)(L.GlobalAveragePooling1D()(part(h))))
    image = np.random.default_rng(1).normal(size=(64, 64, 1)).astype("f4")
    with pytest.warns(UserWarning, match="the later layer 'last' with the shape .* was passed over"):
        mask = GradCAM(model, 1).GetMask(image, should_resize=False)
    assert str(mask.details["layer"]).rstrip("_0123456789") in ("permute", "reshape") and mask.shape == (16, 16)
    np.testing.assert_allclose(mask, GradCAM(model, 1, "pool").GetMask(image, should_resize=False), rtol=1e-4, atol=1e-7)
    with pytest.raises(saliency.TargetError, match=r"layer 'last' outputs the shape .*state the positions: grid="):
        GradCAM(model, 1, "last").GetMask(image)


def test_exchanged_axes_are_exchanged_back():
    keras.utils.set_random_seed(0)
    x = keras.Input((16, 12, 1))
    h = L.Permute((2, 1, 3), name="exchanged")(L.Conv2D(4, 3, padding="same", name="conv")(x))
    model = keras.Model(x, L.Dense(3)(L.GlobalAveragePooling2D()(L.Activation("relu", name="behind")(h))))
    image = RNG.normal(size=(16, 12, 1)).astype("f4")
    expected = GradCAM(model, 1, "conv").GetMask(image)
    np.testing.assert_allclose(GradCAM(model, 1, "exchanged").GetMask(image), expected, atol=1e-6)
    stated = GradCAM(model, 1, "exchanged", reshape=lambda out: tf.transpose(out, (0, 3, 2, 1))).GetMask(image)
    np.testing.assert_allclose(stated, expected, atol=1e-6)
    behind = GradCAM(model, 1).GetMask(image, should_resize=False)
    assert behind.details["layer"] == "behind" and behind.shape == (16, 12)


@pytest.mark.parametrize("method", [GradCAM, GuidedGradCAM])
def test_the_user_states_the_grid(method):
    model, x = transformer(2, 3), RNG.normal(size=(64, 64, 3)).astype("f4")
    if method is GuidedGradCAM:
        known = method(model, 3, allow_no_relu=True).GetMask(x)
        stated = method(model, 3, "norm", allow_no_relu=True, grid=(8, 8), tokens=slice(2, -3)).GetMask(x)
    else:
        known = method(model, 3).GetMask(x)
        stated = method(model, 3, "norm", grid=(8, 8), tokens=slice(2, -3)).GetMask(x)
        assert method(model, 3, "norm", grid=(4, 16), tokens=5).GetMask(x, should_resize=False).shape == (4, 16)
        with pytest.raises(saliency.TargetError, match=r"`grid` \(=\(8, 9\)\) needs tokens"):
            method(model, 3, "norm", grid=(8, 9)).GetMask(x)
    np.testing.assert_allclose(stated, known, atol=1e-6)
