"""Test how layers are named: by path, by name, as an object, and by the names of operations."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import GradCAM, GuidedGradCAM, LayerCAM, ScoreCAM, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.errors import TargetError
from saliency.core.target import Target
from saliency.tf import KerasAdapter
from tests.tf.eager.keras_networks import PICTURES, convolutional_model
from tests.tf.relu_networks import X, nested_model

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def test_layers_by_name_path_and_object():
    model = nested_model()
    inner = model.get_layer("body")
    expected = Vanilla(model, (inner.layers[0], 5)).GetMask(X[0])
    for name in ("one", "body/one"):
        np.testing.assert_array_equal(Vanilla(model, (name, 5)).GetMask(X[0]), expected)
    with pytest.raises(TargetError, match=r"`layer` \(='on'\) must be one of the model's .* nearest: .*one"):
        Vanilla(model, ("on", 5)).GetMask(X[0])
    with pytest.raises(TargetError, match="must be a layer of the model"):
        Vanilla(model, (L.Dense(3), 5)).GetMask(X[0])


def test_two_layers_of_one_name_are_told_apart():
    x = keras.Input((6,))
    parts = [keras.Sequential([L.Dense(6, name="same")], name=name) for name in ("a", "b")]
    model = keras.Model(x, parts[1](parts[0](x)))
    with pytest.raises(TargetError, match="a/same, b/same"):
        Vanilla(model, ("same", 1)).GetMask(X[0])
    np.testing.assert_allclose(Vanilla(model, ("a/same", 1)).GetMask(X[0]), parts[0].layers[0].kernel[:, 1], rtol=1e-5)


def test_target_layer_must_be_called_once():
    x, layer = keras.Input((6,)), L.Dense(6, use_bias=False, name="twice")
    model = keras.Model(x, layer(layer(x)))
    with pytest.raises(TargetError, match="called 2 times"):
        Vanilla(model, ("twice", 1)).GetMask(X[0])


def test_operations_are_the_layers_of_a_saved_model(tmp_path):
    model = convolutional_model()
    model.export(str(tmp_path), verbose=False)
    loaded = KerasAdapter(tmp_path, trust=True)
    for layer in (None, "second/Relu", "second"):
        for method in (GradCAM, LayerCAM, GuidedGradCAM, ScoreCAM):
            expected = method(model, 2, layer="second").GetMasks(PICTURES)
            np.testing.assert_allclose(method(loaded, 2, layer=layer).GetMasks(PICTURES), expected, rtol=1e-3, atol=1e-5)
    with pytest.raises(
        TargetError, match=r"`layer` \(='sekond/Relu'\) must be one of the graph's operations; nearest: second_1/Relu"
    ):
        GradCAM(loaded, 2, layer="sekond/Relu").GetMask(PICTURES[0])


def test_operations_are_the_layers_of_a_function():
    kernel = tf.Variable(tf.random.stateless_normal((3, 3, 2, 4), [1, 2]))

    @tf.function
    def model(x):
        return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID", name="conv"), name="relu"), axis=(1, 2))

    _, found, gradients = saliency.wrap(model).features(tf.constant(PICTURES), Request(Target.of([2] * 3)))
    expected = np.moveaxis(tf.nn.relu(tf.nn.conv2d(PICTURES, kernel, 1, "VALID")).numpy(), -1, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradients[:, 2], np.full((3, 10, 8), 1 / 80), rtol=1e-5)
    assert not np.asarray(gradients[:, 1]).any()


def test_operators_as_layers_of_keras_2():
    x = tf_keras.Input((8, 8, 3))
    h = tf_keras.layers.Conv2D(4, 3, name="conv")(x)
    model = tf_keras.Model(x, tf_keras.layers.GlobalAveragePooling2D()((h + 1.0)[:, 1:]))
    picture = np.random.default_rng(0).normal(size=(8, 8, 3))
    own = [vars(layer).get("call") for layer in model.layers]
    with pytest.warns(UserWarning, match="getitem.* was passed over"):  # it holds a part of the picture
        assert GradCAM(model, 1).GetMask(picture).shape == (8, 8)
    assert [vars(layer).get("call") for layer in model.layers] == own


def test_layers_of_a_saved_keras_2_model(tmp_path):
    model = convolutional_model(package=tf_keras)
    expected = GradCAM(model, 1, layer="second").GetMask(PICTURES[0])
    model.save(str(tmp_path), save_format="tf")
    np.testing.assert_allclose(GradCAM(model, 1, layer="second").GetMask(PICTURES[0]), expected, rtol=1e-4, atol=1e-6)
    for layer in ("second", "second/Relu", None):
        np.testing.assert_allclose(
            GradCAM(KerasAdapter(str(tmp_path), trust=True), 1, layer=layer).GetMask(PICTURES[0]),
            expected,
            rtol=1e-4,
            atol=1e-6,
        )
