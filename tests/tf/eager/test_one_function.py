"""The score that is evaluated and the score that is differentiated are of one function, also for one image and with padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

RNG = np.random.default_rng(0)


def slope(model, x, direction, step=1e-2):
    """Return how fast the score of class 1 changes along a direction."""
    ends = [float(model((x + sign * step * direction)[None].astype("float32"))[0, 1]) for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * step)


def padded_attention():
    inputs = keras.Input((8, 16))
    mask = keras.ops.cast(keras.ops.arange(8) < 5, "bool")[None, None, :]
    attended = keras.layers.MultiHeadAttention(4, 4)(inputs, inputs, attention_mask=mask)
    return keras.Model(inputs, keras.layers.Dense(3)(keras.ops.mean(keras.ops.tanh(attended), axis=1)))


def tokens_behind_a_batch_norm():
    inputs = keras.Input((16, 16, 3))
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 4, 4)(inputs))
    tokens = keras.layers.Reshape((16, 8))(hidden) * keras.ops.arange(16, dtype="float32")[None, :, None]
    return keras.Model(inputs, keras.layers.Dense(3)(keras.ops.mean(keras.ops.tanh(tokens), axis=1)))


@pytest.mark.parametrize("make", [padded_attention, tokens_behind_a_batch_norm])
def test_scores_gradients_and_finite_differences_agree(make):
    keras.utils.set_random_seed(0)
    model = make()
    x, direction = (RNG.normal(size=model.input_shape[1:]).astype("float32") for _ in range(2))
    vanilla = saliency.Vanilla(model, 1).GetMask(x)
    occlusion = saliency.Occlusion(model, 1).GetMask(x, size=1 if x.ndim == 2 else 8)
    assert float(vanilla.details["score"]) == pytest.approx(float(occlusion.details["score"]), abs=1e-5)
    assert (np.asarray(vanilla) * direction).sum() == pytest.approx(slope(model, x, direction), rel=2e-2, abs=1e-4)


def test_error_names_the_batch_size_of_one():
    @tf.function(input_signature=[tf.TensorSpec((None, 6))])
    def one_only(x):
        return tf.concat([tf.tanh(x), tf.zeros((1, 2))], axis=1)

    x = RNG.normal(size=6).astype("float32")
    with pytest.warns(saliency.BatchWarning, match=r"25 inputs .* one input at a time only, pass batch_size=1"):
        mask = saliency.IntegratedGradients(one_only, 1).GetMask(x)
    expected = saliency.IntegratedGradients(one_only, 1, batch_size=1).GetMask(x)
    assert np.asarray(expected).any()
    np.testing.assert_allclose(mask, expected, rtol=1e-5, atol=1e-7)
