"""Test the choice of the last layer with spatial axes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM
from saliency.core.adapter_request import Request
from saliency.core.target import Target
from saliency.tf.eager import trace_cache
from tests.tf.eager.keras_networks import PICTURES, convolutional_model

L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::saliency.core.errors.ZeroGradientWarning")  # small networks may be dead


def classifier(body, x=(16, 16, 3)):
    inputs = keras.Input(x)
    return keras.Model(inputs, body(inputs))


def token_network(pool):
    """Return a one-block transformer on 4 x 4 tokens, with a class token if ``pool`` is "token"."""
    keras.utils.set_random_seed(0)

    class ClassToken(L.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token", initializer="random_normal")

        def call(self, x):
            return tf.concat([tf.repeat(self.token, tf.shape(x)[0], axis=0), x], axis=1)

        def compute_output_shape(self, shape):
            return (shape[0], shape[1] + 1, shape[2])

    def body(x):
        h = L.Reshape((16, 8))(L.Conv2D(8, 4, strides=4, name="patches")(x))
        h = ClassToken()(h) if pool == "token" else h
        h = L.Add(name="mixed")([h, L.MultiHeadAttention(2, 4, name="attention")(h, h)])
        h = L.LayerNormalization(name="norm")(h)
        h = h[:, 0] if pool == "token" else L.GlobalAveragePooling1D()(h)
        return L.Dense(5)(h)

    return classifier(body)


LAST_LAYERS = {
    "convolution": (lambda: convolutional_model(), "second", (6, 5)),
    "behind a softmax over space": (
        lambda: classifier(lambda x: L.GlobalAveragePooling2D()(L.Softmax(name="end")(L.Conv2D(4, 3, name="conv")(x)))),
        "end",
        (14, 14),
    ),
    "logits with space": (lambda: classifier(lambda x: L.Softmax(name="end")(L.Conv2D(4, 3, name="conv")(x))), "conv", (14, 14)),
    "nested": (
        lambda: classifier(
            lambda x: L.Dense(4)(L.Flatten()(keras.Sequential([keras.Input((16, 16, 3)), L.Conv2D(4, 3, name="in")], name="body")(x)))
        ),
        "body",
        (14, 14),
    ),
    "tokens, mean": (lambda: token_network("mean"), "norm", (4, 4)),
    "class token": (lambda: token_network("token"), "class_token", (4, 4)),
    "signal": (
        lambda: classifier(lambda x: L.Dense(2)(L.GlobalAveragePooling1D()(L.Conv1D(5, 3, name="conv")(x))), (30, 2)),
        "conv",
        (28,),
    ),
    "volume": (
        lambda: classifier(lambda x: L.Dense(2)(L.GlobalAveragePooling3D()(L.Conv3D(5, 3, name="conv")(x))), (6, 7, 8, 2)),
        "conv",
        (4, 5, 6),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::saliency.core.errors.LogitWarning")  # a mean of probabilities warns
@pytest.mark.parametrize("name", LAST_LAYERS)
def test_last_layer_before_the_score(name):
    build, layer, space = LAST_LAYERS[name]
    model = build()
    x = np.random.default_rng(0).normal(size=(1, *model.inputs[0].shape[1:])).astype("float32")
    adapter = saliency.wrap(model)
    request = Request(Target.of([1]))
    _, found, gradients = adapter.features(tf.constant(x), request)
    assert adapter.default_layer_name(x, request).rpartition("/")[2].rstrip("_0123456789") == layer
    assert tuple(found.shape[2:]) == space
    assert (np.asarray(gradients) != 0).any()


def test_container_equals_its_last_layer():
    model = LAST_LAYERS["nested"][0]()
    x = np.random.default_rng(0).normal(size=(16, 16, 3))
    np.testing.assert_array_equal(GradCAM(model, 1).GetMask(x), GradCAM(model, 1, layer="in").GetMask(x))


def test_one_graph_finds_and_evaluates_the_layer_for_all_masks_of_a_model(monkeypatch):
    built, model = [], convolutional_model()
    build = trace_cache.build_trace
    monkeypatch.setattr(trace_cache, "build_trace", lambda *args: built.append(args) or build(*args))
    first = GradCAM(model, 1, batch_size=1).GetMask(PICTURES[0])
    assert len(built) == 1
    again = GradCAM(model, 2, batch_size=1).GetMask(PICTURES[1]), saliency.HiResCAM(model, 1).GetMask(PICTURES[0])
    assert len(built) == 1 and {one.details["layer"] for one in (first, *again)} == {"second"}


def test_details_name_the_selected_layer():
    mask = saliency.GradCAM(convolutional_model(), 1).GetMasks(PICTURES)
    assert mask.details["layer"].tolist() == ["second"] * 3
    assert "layer" not in saliency.GradCAM(convolutional_model(), 1, layer="first").GetMasks(PICTURES).details
