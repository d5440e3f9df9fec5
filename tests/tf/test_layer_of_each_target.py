"""Targets of one call in different branches have a layer each, with the numbers of one at a time."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency

L = keras.layers
X = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)


@functools.cache
def tasks():
    """Return a network whose classes 0 to 2 depend on one branch, and 3 to 6 on another."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 3))
    trunk = L.Conv2D(8, 3, padding="same", activation="relu", name="trunk")(inputs)
    maps = [L.Conv2D(8, 3, padding="same", activation="relu", name=name)(trunk) for name in ("shape", "color")]
    heads = [L.Dense(n)(L.GlobalAveragePooling2D()(one)) for n, one in zip((3, 4), maps, strict=True)]
    return keras.Model(inputs, L.Concatenate()(heads))


LAYERS = {1: "shape", 5: "color"}


@pytest.mark.parametrize("ys", [[1, 5], [5, 1, 1]])
@pytest.mark.parametrize("method", [saliency.GradCAM, saliency.HiResCAM, saliency.ScoreCAM, saliency.GuidedGradCAM])
def test_the_numbers_are_those_of_one_at_a_time(method, ys):
    model = tasks()
    for values in ([X[0]] * len(ys), [X[i % 2] for i in range(len(ys))]):
        together = method(model).GetMasks(values, y=ys)
        assert list(together.details["layer"]) == [LAYERS[y] for y in ys]
        alone = [method(model, y).GetMask(x) for x, y in zip(values, ys, strict=True)]
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())
        assert (np.abs(alone).reshape(len(ys), -1).max(axis=1) > 0).all()


OPPOSITE = [saliency.Difference(4, 5), saliency.Difference(5, 4)]


def test_the_layer_of_opposite_targets_is_found_although_their_gradients_cancel():
    model = keras.models.clone_model(tasks())  # which remembers no layer
    model.set_weights(tasks().get_weights())
    together = saliency.GradCAM(model).GetMasks([X[0]] * 2, y=OPPOSITE)
    assert list(together.details["layer"]) == ["color", "color"]
    alone = [saliency.GradCAM(model, y, layer="color").GetMask(X[0]) for y in OPPOSITE]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())
    assert np.abs(alone).max() > 0


def pool(maps):
    early, late, x = maps
    gate = tf.cast(tf.reduce_mean(x, (1, 2, 3), keepdims=True) > 0, x.dtype)
    return tf.concat([tf.reduce_mean(early, (1, 2)), tf.reduce_mean(tf.nn.relu(late * gate), (1, 2))], 1)


def gated():
    """Return a network whose second layer has no gradient for images with a negative mean."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    early = L.Conv2D(8, 3, padding="same", activation="relu", name="first")(inputs)
    late = L.Conv2D(8, 3, padding="same", activation="relu", name="second")(early)
    return keras.Model(inputs, L.Dense(4, kernel_initializer="ones")(L.Lambda(pool)([early, late, inputs])))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("method", [saliency.GradCAM, saliency.ScoreCAM])
def test_a_layer_without_gradients_for_one_image_is_used_for_others(method, order):
    images = np.stack([X[0] - X[0].mean() - 0.5, X[0] - X[0].mean() + 0.5])[order]
    layers = [saliency.GradCAM(gated(), 1).GetMask(x).details["layer"] for x in images]
    alone = [method(gated(), 1, layer=layer).GetMask(x) for x, layer in zip(images, layers, strict=True)]
    model = gated()
    found = method(model, 1).GetMasks(images), [method(model, 1).GetMask(x) for x in images]
    for together in found:
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert list(found[0].details["layer"]) == layers and len(set(layers)) == 2


@pytest.mark.parametrize("ys", [[1, 5], OPPOSITE], ids=["classes", "opposite"])
def test_a_graph_and_its_session(ys):
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, 16, 16, 3))
        rng = np.random.default_rng(0)

        def conv(x, name):
            kernel = tf.constant(rng.normal(size=(3, 3, x.shape[-1], 4)).astype(np.float32))
            return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"), name=name)

        trunk = conv(x, "trunk")
        y = tf.concat([tf.reduce_mean(conv(trunk, name), (1, 2)) for name in ("shape", "color")], 1)
    adapter = saliency.tf.GraphAdapter(graph, tf.compat.v1.Session(graph=graph), y, x)
    layers = ["color" if y in OPPOSITE else LAYERS[y] for y in ys]
    together = saliency.GradCAM(adapter).GetMasks([X[0]] * 2, y=ys)
    assert list(together.details["layer"]) == layers
    alone = [saliency.GradCAM(adapter, y, layer=layer).GetMask(X[0]) for y, layer in zip(ys, layers, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_two_callable_targets():
    model = tasks()
    first, second = (lambda outputs: outputs[:, 1]), (lambda outputs: outputs[:, 5])
    adapter = saliency.wrap(model)
    for y, layer in ((first, "shape"), (second, "color"), (first, "shape")):
        assert saliency.GradCAM(adapter, y).GetMask(X[0]).details["layer"] == layer
