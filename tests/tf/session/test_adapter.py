"""Test that a graph and its session produce the masks of the same weights in Keras, in all methods and types."""

import numpy as np
import pytest
import tensorflow as tf

import saliency
import saliency.tf as pair
from saliency import GuidedBackprop, Vanilla
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import W1, W2, W3, X
from tests.tf.session.session_networks import RULES, assert_close, perceptron, v1

METHODS = {
    "Vanilla": {},
    "GuidedBackprop": {},
    "Deconvnet": {},
    "InputXGradient": {},
    "IntegratedGradients": {"x_steps": 7, "x_baseline": "mean"},
    "GradientSHAP": {"x_steps": 6, "seed": 3, "spread": 0.1},
    "Occlusion": {"size": 3, "value": "blur", "stride": 2},
    "RISE": {"nmasks": 60, "cells": 4, "seed": 5},
    "GradCAM": {"layer": "last"},
    "GradCAMPlusPlus": {"layer": "last"},
    "HiResCAM": {"layer": "first"},
    "LayerCAM": {"layer": "first"},
    "XGradCAM": {"layer": "last"},
    "ScoreCAM": {"layer": "last"},
    "GuidedGradCAM": {"layer": "last"},
}


@pytest.mark.parametrize("name", METHODS)
def test_masks_equal_those_through_keras(name, keras_model, graph_and_session, images):
    graph, session = graph_and_session
    keras_adapter = saliency.wrap(keras_model)
    adapter = GraphAdapter(graph, session, "probabilities", "x")
    adapter.normal = lambda shape, seeds: keras_adapter.normal(shape, seeds).numpy()  # the frameworks draw different noise
    ours, theirs = (getattr(saliency, name)(one, **METHODS[name]) for one in (adapter, keras_adapter))
    assert_close(ours.GetMasks(images, y=[2, [0, 1], None]), theirs.GetMasks(images, y=[2, [0, 1], None]))
    # several targets of one input share a forward pass; gradient-free methods have no backward passes
    assert_close(ours.GetMasks([images[0]] * 4, y=range(4)), theirs.GetMasks([images[0]] * 4, y=range(4)))
    ours, theirs = (one.GetSmoothedMasks(images[:2], y=1, nsamples=4, seed=7) for one in (ours, theirs))
    assert_close(ours, theirs)
    assert ours.dtype == np.float32


def test_probabilities_and_units_equal_those_through_keras(keras_model, graph_and_session, images):
    keras_adapter, adapter = saliency.wrap(keras_model), GraphAdapter(*graph_and_session, "probabilities:0", "x:0")
    for y, logits in ((2, False), (("last", 3), True), (("last", 3, 1, 2), True)):
        ours, theirs = (Vanilla(one, y, logits=logits).GetMask(images[0]) for one in (adapter, keras_adapter))
        assert_close(ours, theirs)
    with_logits = Vanilla(adapter, 2).GetMask(images[0])
    assert abs(with_logits - Vanilla(adapter, 2, logits=False).GetMask(images[0])).max() > 0.01


def test_float64_stays_so():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float64, (None, 2))
        mask = Vanilla(GraphAdapter(graph, session, x**3, x), 1).GetMask([1.0, 1e-3])
    assert mask.dtype == np.float64
    np.testing.assert_allclose(mask, [0, 3e-6], rtol=1e-12)


def test_half_precision_returns_float32():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float16, (None, 2))
        mask = Vanilla(GraphAdapter(graph, session, x * 3, x), 1).GetMask([1, 2])
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, [0, 3])


def test_intermediate_tensor_as_x():
    graph, session, y, _ = perceptron()
    hidden = X[0] @ W1
    first = next(op for op in graph.get_operations() if op.type == "MatMul")
    for rule, method in RULES.items():
        gradient = np.where(np.maximum(hidden, 0) @ W2 > 0, 1, rule == "rectified") * W3[:, 1]
        gradient = W2 @ (np.maximum(gradient, 0) if rule else gradient)
        gradient = np.where(hidden > 0, 1, rule == "rectified") * (np.maximum(gradient, 0) if rule else gradient)
        assert_close(method(GraphAdapter(graph, session, y, first), 1).GetMask(hidden), gradient)


def test_last_layer_with_unknown_shape(keras_model, images):
    """The graph does not know the lengths of the axes. Layers after the last map, and gradient operations, do not count."""
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, None, None, 3), name="x")
        early = tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 3, 2), "float32") / 9, 2, "SAME"), name="early")
        late = tf.multiply(early, [1.0, 2.0], name="late")
        y = tf.reduce_sum(tf.reduce_mean(late, (1, 2), keepdims=True), (1, 2))
        y_of_x = tf.identity(y + 0 * tf.reduce_sum(late))
    with v1.Session(graph=graph) as session:
        adapter = GraphAdapter(graph, session, y_of_x, x)
        for _ in range(2):
            found = saliency.GradCAM(adapter, 1, should_resize=False).GetMask(abs(images[0]))
            features = session.run(late, {x: abs(images[:1])})[0]
            assert_close(found, features[..., 1] / 16)
        named = saliency.GradCAM(adapter, 1, layer="early", should_resize=False).GetMask(abs(images[0]))
        assert_close(named, features[..., 1] / 16)  # twice the gradient, half the features


def test_layer_as_tensor_operation_and_name(graph_and_session, images):
    graph, session = graph_and_session
    tensor = graph.get_tensor_by_name("last:0")
    GuidedBackprop(GraphAdapter(graph, session, "logits", "x"), 0).GetMask(images[0])  # adds gradients/last_grad and the like
    masks = [
        pair.GradCAM(graph, session, "logits", "x", layer, target=0).GetMask(images[0])
        for layer in (tensor, tensor.op, "last", "last:0")
    ]
    assert masks[0].max() > 0.5
    assert all((one == masks[0]).all() for one in masks)
    first = pair.GradCAM(graph, session, "logits", "x", "first", target=0).GetMask(images[0])
    assert abs(first - masks[0]).max() > 0.01
