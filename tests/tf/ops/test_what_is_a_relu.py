"""Test which activations a backward rule counts as ReLUs: the same as in Torch, see tests/torch/test_what_is_a_relu.py."""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.core.errors import NoReLUError
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import W1, W2, W3, X, expected_gradient, functional_model, subclassed_model

L, A = keras.layers, 0.25
PARTS = {
    "PReLU": partial(L.PReLU, alpha_initializer=keras.initializers.Constant(A), trainable=False),
    "PReLU written out": lambda h: tf.nn.relu(h) - A * tf.nn.relu(-h),
    "leaky ReLU": L.LeakyReLU(0.1),
    "leaky ReLU with a ceiling": L.ReLU(max_value=6, negative_slope=0.1),
    "leaky ReLU by clips": lambda h: tf.maximum(h, 0) + A * tf.minimum(h, 0),
    "leaky ReLU by a maximum": lambda h: tf.maximum(tf.nn.relu(h), A * h),
    "PReLU by its absolute value": lambda h: tf.nn.relu(h) + A * (h - tf.abs(h)) * 0.5,
    "celu": L.Activation("celu"),
    "elu": L.ELU(0.7),
    "elu by a choice": lambda h: tf.where(h > 0, tf.nn.relu(h), tf.math.expm1(h)),
    "hard_silu": L.Activation("hard_silu"),
    "hard swish written out": lambda h: h * tf.nn.relu6(h + 3) / 6,
    "hard swish, factor first": lambda h: h * (tf.nn.relu6(h + 3) * (1 / 6)),
    "hard swish by a clip": lambda h: tf.clip_by_value(h / 6 + 0.5, 0, 1) * h,
    "hard_sigmoid": L.Activation("hard_sigmoid"),
    "hard sigmoid written out": lambda h: tf.nn.relu6(h + 3) / 6,
    "hard sigmoid, slope 0.2": lambda h: tf.clip_by_value(0.2 * h + 0.5, 0, 1),
    "hard sigmoid in two steps": lambda h: tf.minimum(tf.nn.relu(0.2 * h + 0.5), 1),
    "softplus written out": lambda h: tf.nn.relu(h) + tf.math.log1p(tf.exp(-tf.abs(h))),
    "absolute value": lambda h: tf.nn.relu(h) + tf.nn.relu(-h),
    "gated by itself": lambda h: tf.nn.relu(h) * tf.sigmoid(h),
    "hard_tanh": L.Activation("hard_tanh"),
    "threshold": L.ReLU(threshold=0.5),
    "maximum(x, 0.5)": lambda h: tf.maximum(h, 0.5),
}
RELUS = {
    "a skip connection": lambda h: tf.nn.relu(h) + 0.5 * h - 0.5 * h,
    "twice the same": lambda h: 0.5 * tf.nn.relu(h) + 0.5 * tf.nn.relu(h),
    "scaled": lambda h: 3 * tf.nn.relu(h) / 3,
    "shifted by a bias": lambda h: tf.nn.relu(h + np.zeros(h.shape[1], "f4")),
    "with a ceiling far above": L.ReLU(max_value=1e6),
    "ReLU6 behind a bias": lambda h: tf.nn.relu6((h + np.zeros(h.shape[1], "f4")) * 0.01) * 100,
}


def network(activation):
    if isinstance(activation, partial):  # a layer with weights, which cannot be shared
        return functional_model(activation(), activation())
    return functional_model(activation, activation) if isinstance(activation, L.Layer) else subclassed_model(activation)


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")
@pytest.mark.parametrize("name", PARTS)
def test_activations_that_contain_a_relu_do_not_count(name):
    model = network(PARTS[name])
    for method in (saliency.GuidedBackprop, saliency.Deconvnet):
        with pytest.raises(NoReLUError):
            method(model, 0).GetMask(X[0])
        allowed = method(model, 0).GetMask(X[0], allow_no_relu=True)
        np.testing.assert_array_equal(allowed, saliency.Vanilla(model, 0).GetMask(X[0]))


@pytest.mark.parametrize("name", RELUS)
@pytest.mark.parametrize("rule", ["guided", "rectified"])
def test_relus_in_other_company_count(name, rule):
    method = {"guided": saliency.GuidedBackprop, "rectified": saliency.Deconvnet}[rule]
    expected = [expected_gradient(x, 0, rule) for x in X]
    np.testing.assert_allclose(method(network(RELUS[name]), 0).GetMasks(X), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["hard swish written out", "PReLU written out", "absolute value"])
def test_a_graph_and_session_follow_the_same_rule(name):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 6))
        h = PARTS[name](x @ W1)
        part, mixed = h @ W2 @ W3, tf.nn.relu(h @ W2) @ W3
    session = tf.compat.v1.Session(graph=graph)
    with pytest.raises(NoReLUError, match="part of another activation"):
        saliency.GuidedBackprop(GraphAdapter(graph, session, part, x), 0).GetMask(X[0])
    model = functional_model(L.Lambda(PARTS[name]), L.ReLU())
    np.testing.assert_allclose(
        saliency.GuidedBackprop(GraphAdapter(graph, session, mixed, x), 0).GetMask(X[0]),
        saliency.GuidedBackprop(model, 0).GetMask(X[0]),
        rtol=1e-5,
        atol=1e-6,
    )


def excited(gate, activation):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = L.Activation(activation)(L.Conv2D(8, 3)(inputs))
    pooled = L.GlobalAveragePooling2D(keepdims=True)(x)
    scale = gate(L.Conv2D(8, 1)(L.Conv2D(4, 1, activation="relu")(pooled)))
    x = L.Activation(activation)(L.Conv2D(8, 3)(L.Multiply()([x, scale])))
    return keras.Model(inputs, L.Dense(5)(L.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("gate", [L.Activation("sigmoid"), L.Activation("hard_sigmoid"), L.Rescaling(1.0)])
@pytest.mark.parametrize("method", [saliency.GuidedBackprop, saliency.Deconvnet])
def test_a_network_whose_relus_lie_in_gates_is_reported(gate, method, recwarn):
    if isinstance(gate, L.Rescaling):
        gate = L.Lambda(lambda x: tf.nn.relu6(x + 3) / 6)
    x = np.random.default_rng(0).normal(size=(12, 12, 3)).astype("f4")
    model = excited(gate, "silu")
    for _ in range(2):  # also from a cached graph
        with pytest.warns(saliency.GateWarning, match="squeeze-and-excitation"):
            method(model, 1).GetMask(x)
    recwarn.clear()
    method(excited(gate, "relu"), 1).GetMask(x)
    method(model, 1, allow_no_relu=True).GetMask(x)
    assert not recwarn.list
