"""Test layers whose number of tokens a trace leaves open: the maps are those of the same network with known numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
X = np.random.default_rng(0).normal(size=(3, 48, 64, 3)).astype("f4")


def merge_known(y):
    return tf.reshape(y, (-1, y.shape[1] * y.shape[2], y.shape[3]))


def merge_by_keras(y):
    return keras.ops.reshape(y, (keras.ops.shape(y)[0], -1, y.shape[-1]))


def merge_by_counting(y):
    shape = tf.shape(y)
    return tf.reshape(y, (shape[0], shape[1] * shape[2], y.shape[3]))


def merge_by_a_table(y):
    count = tf.reduce_sum(tf.ones_like(y[:1, :, :, 0], tf.int32))
    return tf.reshape(y, tf.stack([-1, count, y.shape[3]]))


class Tokens(L.Layer):
    def __init__(self, merge):
        super().__init__(name="tokens")
        self.merge = merge

    def call(self, y):
        return self.merge(y)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] * shape[2], shape[3])


def network(merge):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((48, 64, 3))
    y = Tokens(merge)(L.Conv2D(16, 8, 8, name="patch")(inputs))
    y = L.LayerNormalization(name="norm")(L.Add(name="block")([y, L.MultiHeadAttention(2, 8)(y, y)]))
    return keras.Model(inputs, L.Dense(5)(L.GlobalAveragePooling1D()(y)))


@pytest.mark.parametrize("merge", [merge_by_keras, merge_by_counting, merge_by_a_table])
@pytest.mark.parametrize("options", [{}, {"layer": "norm"}, {"layer": "block"}])
def test_maps_equal_those_of_known_lengths(merge, options):
    known, opened = network(merge_known), network(merge)
    for method in (saliency.GradCAM, saliency.LayerCAM):
        expected = method(known, 3, should_resize=False, **options).GetMasks(X)
        mask = method(opened, 3, should_resize=False, **options).GetMasks(X)
        assert mask.shape == (3, 6, 8)
        assert list(mask.details.get("layer", [])) == list(expected.details.get("layer", []))
        np.testing.assert_allclose(mask, expected, rtol=1e-4, atol=1e-7)


def test_other_sizes_of_one_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    y = L.LayerNormalization(name="norm")(L.Lambda(merge_by_counting)(L.Conv2D(16, 8, 8, activation="tanh")(inputs)))
    model = keras.Model(inputs, L.Dense(5)(L.GlobalAveragePooling1D()(y)))
    mask = saliency.GradCAM(model, 3, should_resize=False)
    for rows, columns in ((6, 8), (8, 6), (6, 8)):
        x = np.random.default_rng(1).normal(size=(8 * rows, 8 * columns, 3)).astype("f4")
        assert mask.GetMask(x).shape == (rows, columns)
