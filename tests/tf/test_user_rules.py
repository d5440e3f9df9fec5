"""Test user-defined backward rules and callable targets on layers, in Keras models, functions and sessions."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GradCAM, OutputOf, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, TargetError
from tests.tf.eager.keras_networks import IMAGES, chain, snapshot
from tests.user_rules import check_equal_rules, invalid_rules

V = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32) * 4
W = np.array([[1.0, -2.0, 3.0, -1.0, 0.5, 2.0]], np.float32)
pytestmark = pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # small networks may be dead


def guided(gradient, output):
    return tf.where((gradient > 0) & (output > 0), gradient, 0.0)


def rectified(gradient, output):
    return tf.nn.relu(gradient)


@pytest.mark.parametrize(("rule", "named"), [(guided, "guided"), (rectified, "rectified")])
@pytest.mark.parametrize("layer", [None, "one", "two"])
def test_user_defined_versions_of_the_named_rules(rule, named, layer):
    model = chain()
    model(IMAGES)
    before = snapshot(model)
    check_equal_rules(model, IMAGES, rule, named, layer)
    assert snapshot(model) == before


RELUS = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "leaky, 0": lambda x: tf.nn.leaky_relu(x, 0.0),
    "clip": lambda x: tf.clip_by_value(x, 0.0, 30.0),
    "ClipByValue": lambda x: tf.raw_ops.ClipByValue(t=x, clip_value_min=0.0, clip_value_max=3.0),
    "maximum": lambda x: tf.maximum(0.0, x),
    "maximum, turned": lambda x: tf.maximum(x, 0.0),
}


@pytest.mark.parametrize("relu", RELUS.values(), ids=RELUS)
def test_rule_receives_the_output_of_the_relu(relu):
    adapter = saliency.wrap(tf.function(lambda x: relu(x) @ W.T, input_signature=[tf.TensorSpec((None, 6))]))
    got = Vanilla(adapter, 0).GetMasks(V, rule=lambda gradient, output: gradient * 0 + output)
    np.testing.assert_allclose(got, relu(V).numpy(), rtol=1e-6)
    square = Vanilla(adapter, 0).GetMasks(V, rule=lambda gradient, output: gradient**2)
    np.testing.assert_allclose(square, np.broadcast_to(W**2, V.shape), rtol=1e-6)


def test_rule_in_a_session():
    v1, graph = tf.compat.v1, tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, 6))
        y = tf.nn.relu(x) @ W.T
        session = v1.Session(graph=graph)
    adapter = saliency.tf.GraphAdapter(graph, session, y, x)
    rule = lambda gradient, output: gradient * 0 + output  # noqa: E731
    for _ in range(2):
        np.testing.assert_allclose(Vanilla(adapter, 0).GetMasks(V, rule=rule), np.maximum(V, 0), rtol=1e-6)
    with pytest.raises(TargetError, match="is a callable"):
        Vanilla(adapter, (y, lambda h: h)).GetMasks(V)


class CountingRule:
    def __init__(self):
        self.calls = 0

    def __call__(self, gradient, output):
        self.calls += 1
        return gradient


class CountingTarget:
    def __init__(self):
        self.calls = 0

    def __call__(self, h):
        self.calls += 1
        return h[:, 1]


@pytest.mark.parametrize("y", [1, CountingTarget()])
def test_rule_is_called_during_tracing_and_released(y):
    model, rule = chain(), CountingRule()
    for _ in range(3):
        Vanilla(model, y).GetMasks(IMAGES, rule=rule)
    assert rule.calls == 3  # one call for each of the network's ReLUs
    Vanilla(model, y).GetMasks(IMAGES, rule=CountingRule())  # another rule needs another trace
    released = weakref.ref(rule)
    del rule
    gc.collect()
    assert released() is None


INVALID_RULES = invalid_rules("SymbolicTensor", "<dtype: 'float32'>", "<dtype: 'bool'>", r"\(None, ")


@pytest.mark.parametrize(("rule", "message"), INVALID_RULES)
def test_invalid_rules(rule, message):
    with pytest.raises(InputError, match=message):
        Vanilla(chain(), 0).GetMasks(IMAGES, rule=rule)


def test_callable_on_a_layer():
    model = chain()
    for layer in ("two", model.get_layer("two")):
        got = Vanilla(model, (layer, lambda h: tf.reduce_mean(h[..., 2], (1, 2)))).GetMasks(IMAGES)
        np.testing.assert_allclose(got, Vanilla(model, ("two", 2)).GetMasks(IMAGES), rtol=1e-5, atol=1e-8)


def test_callable_on_several_layers():
    model = chain()
    y = (("one", "two"), lambda h: 2 * tf.reduce_mean(h[0][..., 1], (1, 2)) - tf.reduce_mean(h[1][..., 2], (1, 2)))
    one, other = (Vanilla(model, y).GetMasks(IMAGES) for y in (("one", 1), ("two", 2)))
    np.testing.assert_allclose(Vanilla(model, y).GetMasks(IMAGES), 2 * one - other, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(Vanilla(model, y).GetMask(IMAGES[0]), 2 * one[0] - other[0], rtol=1e-4, atol=1e-7)
    assert GradCAM(model, y, layer="one").GetMasks(IMAGES).any()


def test_gradient_at_a_layer_s_output():
    model = chain()
    _, _, gradients = saliency.wrap(model).features(
        tf.constant(IMAGES), Request(saliency.core.target.Target.of([1] * 3), layer="one")
    )
    got = Vanilla(model, 1, at=OutputOf("one")).GetMasks(IMAGES)
    np.testing.assert_allclose(got, np.moveaxis(gradients.numpy(), 1, -1), rtol=1e-5, atol=1e-8)
    classes = keras.Model(model.inputs, model.get_layer("hidden").output)
    np.testing.assert_allclose(Vanilla(classes, 1, at=OutputOf("hidden")).GetMasks(IMAGES), np.eye(6)[[1] * 3])
    with pytest.raises(TargetError, match=r"`at` \(='no'\) must be one of"):
        Vanilla(model, 1, at=OutputOf("no")).GetMasks(IMAGES)
