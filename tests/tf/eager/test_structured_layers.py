"""Keras layers that return dictionaries and tuples: an entry as a target, as the layer of a map, and for the option `at`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM, GuidedGradCAM, HiResCAM, InputXGradient, OutputOf, Vanilla
from saliency.core.errors import TargetError
from tests.tf.eager.keras_networks import IMAGES, snapshot

L = keras.layers


class Backbone(L.Layer):
    """Returns a dictionary with a tuple."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.early, self.late = L.Conv2D(4, 3, activation="relu", name="early"), L.Conv2D(6, 3, strides=2)

    def call(self, x):
        early = self.early(x)
        late = self.late(early)
        return {"0": early, "pyramid": (late, tf.reduce_mean(late, (1, 2))), "last": late}


class Detector(keras.Model):
    """Calls its backbone as it is, in a `function`, or behind a function that exists as a `graph` only."""

    def __init__(self, kind="plain"):
        super().__init__()
        self.backbone, self.first, self.second = Backbone(name="backbone"), L.Dense(5), L.Dense(5)
        self.run = tf.function(self.backbone) if kind == "function" else self.backbone
        graph = tf.function(lambda x: 1.0 * x).get_concrete_function(tf.TensorSpec((None, 8, 8, 3)))
        self.prepare = graph if kind == "graph" else lambda x: x

    def call(self, x):
        return self.heads(self.run(self.prepare(x)))

    def heads(self, features):
        pooled = tf.reduce_mean(tf.nn.relu(features["last"]), (1, 2)) + features["pyramid"][1]
        return self.first(tf.reduce_mean(tf.tanh(features["0"]), (1, 2))) + self.second(pooled)


@pytest.fixture(scope="module", params=["plain", "function", "graph"])
def model(request):
    keras.utils.set_random_seed(0)
    network = Detector(request.param)
    network(IMAGES)
    return network


def reference(model, entry):
    """Return the entry's values and the gradient of class 3 by them, with a tape."""
    features = dict(model.backbone(IMAGES))
    name = "0" if entry == "0" else "last"
    with tf.GradientTape() as tape:
        leaf = tf.identity(features[name])
        tape.watch(leaf)
        features[name] = leaf
        score = model.heads(features)[:, 3]
    return leaf.numpy(), tape.gradient(score, leaf).numpy()


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")
@pytest.mark.parametrize("entry", ["0", "last", "pyramid/0"])  # the last two are one tensor
def test_entries_equal_an_explicit_leaf(model, entry):
    values, gradient = reference(model, entry)
    before, name = snapshot(model), f"backbone/{entry}"
    for at in (OutputOf(name), name):
        np.testing.assert_allclose(Vanilla(model, 3, at=at).GetMasks(IMAGES), gradient, atol=1e-7)
        np.testing.assert_allclose(InputXGradient(model, 3, at=at).GetMasks(IMAGES), values * gradient, atol=1e-7)
    np.testing.assert_allclose(
        HiResCAM(model, 3, layer=name).GetMasks(IMAGES, should_resize=False), (values * gradient).sum(3).clip(0), atol=1e-7
    )
    np.testing.assert_allclose(saliency.activations(model, name, IMAGES, several=True), values, atol=1e-6)
    assert snapshot(model) == before


def test_an_entry_is_a_target(model):
    x = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_mean(model.backbone(x)["0"][..., 2], (1, 2))
    np.testing.assert_allclose(Vanilla(model, ("backbone/0", 2)).GetMasks(IMAGES), tape.gradient(score, x), atol=1e-7)
    mask = Vanilla(model, ("backbone/pyramid/1", lambda out: out[:, 2] - out[:, 0])).GetMasks(IMAGES)
    pooled = Vanilla(model, saliency.Difference(("backbone/last", 2), ("backbone/last", 0))).GetMasks(IMAGES)
    np.testing.assert_allclose(mask, pooled, atol=1e-6)
    found = GradCAM(model, ("backbone/0", 2)).GetMasks(IMAGES)  # the search for a layer leaves entries out
    assert found.any() and set(found.details["layer"]) == {"backbone/early"}


def test_guided_grad_cam_and_fused_maps_at_entries(model):
    mask = GuidedGradCAM(model, 3, layer="backbone/0").GetMasks(IMAGES)
    guided = saliency.GuidedBackprop(model, 3).GetMasks(IMAGES)
    raw = GradCAM(model, 3, layer="backbone/0").GetMasks(IMAGES, should_resize=False).max((1, 2))
    maps = GradCAM(model, 3, layer="backbone/0").GetMasks(IMAGES) * raw[:, None, None]
    np.testing.assert_allclose(mask, guided * maps[..., None], atol=1e-6)
    fused = GradCAM(model, 3, layer=["backbone/pyramid/0", "backbone/0"]).GetMasks(IMAGES)
    assert fused.details["layers"].tolist() == [["backbone/pyramid/0", "backbone/0"]] * 3
    assert fused.details["grids"].tolist() == [[[2, 2], [6, 6]]] * 3 and fused.details["grid"].tolist() == [[6, 6]] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: Vanilla(m, ("backbone/2", 0)), r"layer 'backbone/2' outputs a dict without the entry '2', but with '0'"),
        (
            lambda m: Vanilla(m, ("backbone", 0)),
            r"'backbone' outputs a dict with '0' \(N, 6, 6, 4\), .*name one as 'layer/entry",
        ),
        (lambda m: GradCAM(m, 0, layer="backbone/5"), r"'backbone/5' outputs a dict without the entry '5'"),
        (lambda m: Vanilla(m, 0, at="backbone/pyramid"), r"'backbone/pyramid' outputs a tuple with '0'"),
        (lambda m: GradCAM(m, 0, layer="bone/5"), r"`layer` \(='bone/5'\) must be one of the model's 5 layers; nearest: "),
    ],
)
def test_errors_list_what_is_there(model, call, message):
    with pytest.raises(TargetError, match=message):
        call(model).GetMasks(IMAGES)


def test_a_name_is_an_entry_only_behind_a_layer():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="0")], name="backbone")
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, L.Dense(2)(L.Flatten()(inner(x))))
    by_name, by_path = (GradCAM(model, 1, layer=layer).GetMask(IMAGES[0]) for layer in ("0", "backbone/0"))
    np.testing.assert_array_equal(by_name, by_path)
    with pytest.raises(TargetError, match=r"layer 'backbone/0/1' outputs a \w+ without the entry '1'"):
        GradCAM(model, 1, layer="backbone/0/1").GetMask(IMAGES[0])
