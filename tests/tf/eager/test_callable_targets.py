"""Test callable targets that hold one number for each of N inputs, or read the number of inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
LABELS = np.array([1, 0, 4])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 8, 8, 3)).astype("float32")


def gather_labels(out):
    return tf.gather(out, LABELS, batch_dims=1)


def weigh_classes(out):
    return tf.reduce_sum(out * tf.one_hot(LABELS, 5), axis=1)


def index_pairs(out):
    return tf.gather_nd(out, np.stack([np.arange(3), LABELS], axis=1))


def loop_over_inputs(out):
    return tf.stack([out[i, LABELS[i]] for i in range(out.shape[0])])


def column_of_scores(out):
    return tf.stack([out[i, label] for i, label in enumerate(LABELS)])[:, None]


def index_labels(out):
    return tf.gather(out[0], LABELS)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    y = L.Conv2D(4, 3, activation="tanh", name="conv")(inputs)
    return keras.Model(inputs, L.Dense(5)(L.GlobalAveragePooling2D()(y)))


@pytest.mark.parametrize("y", [gather_labels, weigh_classes, index_pairs, loop_over_inputs, column_of_scores])
def test_one_number_for_each_input(model, y):
    expected = saliency.Vanilla(model).GetMasks(X, y=list(LABELS))
    np.testing.assert_allclose(saliency.Vanilla(model, y).GetMasks(X), expected, rtol=1e-5, atol=1e-8)
    options = {"layer": "conv", "should_resize": False}
    expected = saliency.GradCAM(model, **options).GetMasks(X, y=list(LABELS))
    np.testing.assert_allclose(saliency.GradCAM(model, y, **options).GetMasks(X), expected, rtol=1e-5, atol=1e-8)
    expected = saliency.Vanilla(model, list(LABELS)[2]).GetMask(X[2], at="conv")
    np.testing.assert_allclose(saliency.Vanilla(model, y).GetMasks(X, at="conv")[2], expected, rtol=1e-5, atol=1e-8)


def test_error_for_another_number_of_inputs(model):
    for method in (saliency.Vanilla, saliency.GradCAM):
        with pytest.raises(saliency.TargetError, match=r"one number per sample, shape \(2,\); it returned shape \(3,\)"):
            method(model, index_labels).GetMasks(X[:2])
