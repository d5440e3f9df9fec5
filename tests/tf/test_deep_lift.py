"""DeepLIFT on TensorFlow adds up to the change of the score, for layers and for functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.core.errors import ModelError

X = np.random.default_rng(0).normal(size=(3, 10, 8)).astype("float32")


@pytest.fixture(scope="module")
def transformer():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((10, 8))
    x = layers.LayerNormalization()(inputs)
    x = inputs + layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.Dense(8, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Activation("silu")(x) * layers.Dense(8, activation="sigmoid")(x)
    x = layers.concatenate([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)])
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(x))


@pytest.mark.parametrize("logits", [True, False])
def test_attention_normalizations_and_products_add_up(transformer, logits):
    mask = saliency.DeepLIFT(transformer, 1, logits=logits).GetMasks(X, x_baseline=0.2)
    np.testing.assert_allclose(np.sum(mask, axis=(1, 2)), mask.details["change"], rtol=1e-4, atol=1e-6)
    several = saliency.DeepSHAP(transformer, 1, logits=logits).GetMasks(X, x_baseline=[0.2, 0.2])
    np.testing.assert_allclose(several, mask, atol=1e-6 * np.abs(mask).max())


def test_the_change_is_that_of_the_model(transformer):
    mask = saliency.DeepLIFT(transformer, 1, logits=False).GetMasks(X)
    change = transformer(X) - transformer(np.zeros_like(X))
    np.testing.assert_allclose(mask.details["change"], change[:, 1], atol=1e-6)


def test_products_and_quotients_of_a_function_are_shared_as_derived_by_hand():
    """The change of a product is shared in halves; that of a quotient likewise, with the inverse of the divisor."""

    @tf.function
    def function(x):
        return tf.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1]], axis=1)

    x, baseline = np.array([3.0, 5.0], "float32"), np.array([1.0, 2.0], "float32")
    product, quotient = (saliency.DeepLIFT(function, y).GetMask(x, x_baseline=baseline) for y in (0, 1))
    np.testing.assert_allclose(product, [2 * 3.5, 3 * 2.0], rtol=1e-6)
    np.testing.assert_allclose(quotient, [2 * (1 / 5 + 1 / 2) / 2, 2 * (1 / 5 - 1 / 2)], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: tf.math.cumprod(x, axis=1), "Cumprod"),
        (lambda x: tf.gather(x, tf.argsort(x[0]), axis=1), "GatherV2"),
        (lambda x: tf.where(x > 0, x, 2 * x), "SelectV2"),
    ],
)
def test_an_operation_without_a_rule_is_refused_by_name(function, name):
    with pytest.raises(ModelError, match=f"no rule for .*{name}.*IntegratedGradients"):
        saliency.DeepLIFT(tf.function(function), 1).GetMask(X[0, 0], x_baseline=0.1)


def test_a_change_that_has_no_gradient_is_refused():
    with pytest.raises(ModelError, match="distributes .* of a change"):
        saliency.DeepLIFT(tf.function(lambda x: x * tf.stop_gradient(x)), 1).GetMask(X[0, 0])
