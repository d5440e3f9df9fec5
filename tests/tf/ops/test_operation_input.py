"""Test gradients with respect to the input or output of an operation, in functions and sessions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import Vanilla
from saliency.core.errors import TargetError

L = keras.layers

X = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # small networks may be dead


def model_of_operations(x):
    h = tf.identity(tf.tanh(x, name="first") * 2, name="doubled")
    r = tf.nn.relu(h, name="relu")
    with tf.name_scope("scope"):
        s = tf.sin(h, name="sin")
    mixed = tf.add(r, s, name="mixed")
    turned = tf.transpose(tf.transpose(mixed, (1, 0), name="there"), (1, 0), name="back")
    return tf.reduce_sum(turned * tf.cast(tf.shape(x)[1], x.dtype), 1, keepdims=True, name="sum")


def masks_of_function():
    return lambda rows=3, **options: Vanilla(tf.function(model_of_operations), 0).GetMasks(X[:rows, 0, 0], **options)


def masks_of_session():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3), "x")
        y = model_of_operations(x)
    mask = saliency.tf.Vanilla(graph, tf.compat.v1.Session(graph=graph), y, x, target=0)
    return lambda rows=3, **options: mask.GetMasks(X[:rows, 0, 0], **options)


@pytest.mark.parametrize("make", [masks_of_function, masks_of_session])
def test_gradient_at_an_operation_s_input_excludes_other_paths(make):
    mask, x = make(), X[:, 0, 0].astype(np.float64)
    h = 2 * np.tanh(x)
    wanted = {
        "relu": 3.0 * (h > 0), "sin": 3 * np.cos(h), "mixed": 3.0 + 0 * h, "doubled": 3 * ((h > 0) + np.cos(h)),
        "first": 3 * ((h > 0) + np.cos(h)) * 2 * (1 - np.tanh(x) ** 2),
    }  # fmt: skip
    for at, gradient in wanted.items():
        np.testing.assert_allclose(mask(at=at), gradient, rtol=1e-5, err_msg=at)
    for no_operation in ("summ", "scope"):
        with pytest.raises(TargetError, match=rf"`at` \(='{no_operation}'\) must be one of the graph's operations; nearest: "):
            mask(at=no_operation)
    with pytest.raises(TargetError, match=r"takes the shape \(3, \d\) for 2 score|of the shape \(3, 2\) for 2 input"):
        mask(at="back", rows=2)


@pytest.mark.parametrize("make", [masks_of_function, masks_of_session])
def test_gradient_at_an_operation_s_output(make):
    mask, h = make(), 2 * np.tanh(X[:, 0, 0].astype(np.float64))
    wanted = {"relu": 3.0 + 0 * h, "doubled": 3 * ((h > 0) + np.cos(h)), "first": 6 * ((h > 0) + np.cos(h))}
    for at, gradient in wanted.items():
        np.testing.assert_allclose(mask(at=saliency.OutputOf(at)), gradient, rtol=1e-5, err_msg=at)


def test_function_call_is_refused():
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 3), "x")
        h = tf.function(lambda x: tf.nn.relu(tf.sin(x)))(x)
        y = tf.reduce_sum(tf.square(h, name="square"), 1, keepdims=True)
    mask = saliency.tf.GuidedBackprop(graph, tf.compat.v1.Session(graph=graph), y, x, target=0)
    inputs = X[:, 0, 0]
    wanted = 2 * np.maximum(np.sin(inputs), 0)
    np.testing.assert_allclose(mask.GetMasks(inputs, at="square", allow_no_relu=True), wanted, rtol=1e-5)
    with pytest.raises(TargetError, match="must not be a function call"):
        mask.GetMasks(inputs, at=h.op.name)
    with pytest.raises(TargetError, match="must have an input of floats that depends on the model's input"):
        mask.GetMasks(inputs, at=x)


def test_operation_must_be_given_by_name():
    with pytest.raises(TargetError, match=r"`at` \(ReLU\) must be an operation's name"):
        Vanilla(tf.function(model_of_operations), 0, at=L.ReLU()).GetMasks(X[:, 0, 0])
