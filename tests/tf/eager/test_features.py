"""Test layer outputs and the gradients with respect to them, for named layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import saliency
from saliency import GradCAM
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, TargetError
from saliency.core.target import Target
from tests.tf.eager.keras_networks import PICTURES, convolutional_model

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def tape_layer_gradients(model, inner, x, y):
    """Return a layer's output and the gradient with respect to it from the tape, both with channels first."""
    both = keras.Model(model.input, [inner, model.output])
    head = keras.Model(inner, model.output)
    seen = both(x)[0]
    with tf.GradientTape() as tape:
        tape.watch(seen)
        score = head(seen)[:, y]
    return [np.moveaxis(one.numpy(), -1, 1) for one in (seen, tape.gradient(score, seen))]


@pytest.mark.parametrize("layer", ["first", "pool", "second", None])
def test_features_and_gradients_equal_those_of_the_tape(layer):
    model = convolutional_model()
    seen, gradients = tape_layer_gradients(model, model.get_layer(layer or "second").output, PICTURES, 2)
    adapter = saliency.wrap(model)
    for _ in range(2):  # the second call uses the cached layer
        scores, *found = adapter.features(tf.constant(PICTURES), Request(Target.of([2] * 3), layer=layer))
        np.testing.assert_allclose(scores, model(PICTURES)[:, 2], rtol=1e-5)
        np.testing.assert_allclose(found[0], seen, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found[1], gradients, rtol=1e-4, atol=1e-7)


def test_grad_cam_by_its_formula():
    model = convolutional_model()
    seen, gradients = tape_layer_gradients(model, model.get_layer("second").output, PICTURES, 2)
    raw = np.maximum(0, (gradients.mean(axis=(2, 3), keepdims=True) * seen).sum(axis=1))
    assert (raw > 0).any()
    np.testing.assert_allclose(GradCAM(model, 2).GetMasks(PICTURES, should_resize=False), raw, rtol=1e-3, atol=1e-7)
    resized = GradCAM(model, 2).GetMasks(PICTURES, three_dims=True)
    assert resized.shape == PICTURES.shape


def test_channels_first_layers():
    """The CPU has no channels-first convolution; pooling and pointwise layers also define the axes."""
    x = keras.Input((3, 8, 8))
    h = L.Reshape((3, 8, 8), name="maps")(L.ReLU()(x))
    model = keras.Model(x, L.GlobalAveragePooling2D(data_format="channels_first")(h))
    picture = np.random.default_rng(0).normal(size=(3, 8, 8))
    adapter = saliency.wrap(model)
    assert adapter.channel_axis == 0
    _, found, gradients = adapter.features(adapter.asarray(picture)[None], Request(Target.of([1]), layer="maps"))
    np.testing.assert_allclose(found[0], np.maximum(picture, 0), rtol=1e-6)
    np.testing.assert_allclose(gradients[0, 1], np.full((8, 8), 1 / 64), rtol=1e-6)
    assert GradCAM(adapter, 1, three_dims=True).GetMask(picture).shape == (3, 8, 8)


def test_features_of_the_last_call():
    x = keras.Input((8, 8, 3))
    relu, conv = L.ReLU(name="shared"), L.Conv2D(4, 3, padding="same")
    model = keras.Model(x, L.GlobalAveragePooling2D()(relu(conv(relu(x)))))
    picture = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    _, found, _ = saliency.wrap(model).features(tf.constant(picture), Request(Target.of([1]), layer="shared"))
    assert found.shape == (1, 4, 8, 8)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("classes", r"layer 'classes' outputs the shape \(None, 4\); a map needs \(N, \*space, channels\)"),
        ("global_average_pooling2d", "a map needs"),
        ("third", r"`layer` \(='third'\) must be one of the model's"),
    ],
)
def test_layer_without_spatial_axes(layer, message):
    model = convolutional_model()
    names = {one.name.rstrip("_0123456789"): one.name for one in model.layers}
    with pytest.raises(TargetError, match=message):
        GradCAM(model, 1, layer=names.get(layer, layer)).GetMask(PICTURES[0])


def test_layer_inside_a_function_after_a_failure():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = L.Conv2D(4, 3, name="conv"), L.GlobalAveragePooling2D()

        @tf.function
        def body(self, x):
            return self.pool(self.conv(x))

        def call(self, x):
            return self.body(x)

    model = Net()
    expected = model(PICTURES)  # traces the function, which then does not call its layers again
    with pytest.raises(InputError):
        GradCAM(model, 1, layer="conv").GetMask(PICTURES[0, 0])
    scores, found, _ = saliency.wrap(model).features(tf.constant(PICTURES), Request(Target.of([1] * 3), layer="conv"))
    np.testing.assert_allclose(scores, expected[:, 1], rtol=1e-5)
    assert found.shape == (3, 4, 10, 8)
    assert "call" not in vars(model.conv)


@pytest.mark.parametrize("package", [keras, tf_keras])
def test_recorded_layer_keeps_the_keras_mask(package):
    package.utils.set_random_seed(2)
    layers = package.layers
    inner = package.Sequential([package.Input((7, 4)), layers.Masking(), layers.Dense(6)], name="inner")
    model = package.Sequential([package.Input((7, 4)), inner, layers.LSTM(5), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(1, 7, 4)).astype("float32")
    x[0, 3:] = 0
    scores, _, _ = saliency.wrap(model).features(tf.constant(x), Request(Target.of([1]), layer="inner"))
    np.testing.assert_allclose(scores, model(x)[:, 1], rtol=1e-5)
