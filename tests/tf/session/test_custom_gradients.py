"""Test graphs that were loaded or frozen from functions with gradients of their own."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.framework.ops import gradient_registry

import saliency
from saliency.tf import GraphAdapter
from tests.tf.eager.test_custom_gradients import straight_through, tape_gradient
from tests.tf.relu_networks import Module, X, keep_alive, saved_module


def loaded_graph(function, folder):
    """Return a session, the output and the input of a SavedModel that was loaded as in TensorFlow 1."""
    saved_module(folder, function)
    graph = tf.Graph()
    with graph.as_default():
        session = tf.compat.v1.Session(graph=graph)
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    signature = meta_graph.signature_def["serving_default"]
    (output,), (name,) = signature.outputs.values(), signature.inputs.values()
    return session, output.name, name.name


def frozen_graph(function, _folder):
    """Return the same for a graph whose variables are constants."""
    frozen = convert_variables_to_constants_v2(keep_alive(Module(function)).__call__.get_concrete_function())
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name="")
    return tf.compat.v1.Session(graph=graph), frozen.outputs[0].name, frozen.inputs[0].name


def built_graph(function, _folder):
    """Return the same for a graph in which the function was called."""
    graph, module = tf.Graph(), Module(function)
    weights = [variable.numpy() for variable in module.weights]
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, 6))
        y = function(function(x @ weights[0]) @ weights[1]) @ weights[2]
    return tf.compat.v1.Session(graph=graph), y, x


@pytest.mark.parametrize("function", [tf.nn.silu, straight_through, tf.function(straight_through)])
@pytest.mark.parametrize("make", [loaded_graph, frozen_graph, built_graph])
def test_gradients_equal_those_of_the_module(make, function, tmp_path):
    session, y, x = make(function, tmp_path / "saved")
    for options in ({}, {"logits": False}):  # the second query copies the functions again
        mask = saliency.Vanilla(GraphAdapter(session.graph, session, y, x), 1, **options).GetMasks(X)
        np.testing.assert_allclose(mask, tape_gradient(Module(function), X, 1), rtol=1e-5, atol=1e-6)
    own = [op for op in session.graph.get_operations() if op.type == "IdentityN"]
    assert all(op._gradient_function is None for op in own)  # the user's operations are as before


def test_error_for_a_gradient_that_this_process_does_not_know(tmp_path, monkeypatch):
    session, y, x = frozen_graph(straight_through, tmp_path)
    known = {name: value for name, value in gradient_registry._registry.items() if not name.startswith("CustomGradient-")}
    monkeypatch.setattr(gradient_registry, "_registry", known)
    with pytest.raises(saliency.ModelError, match="gradient of its own"):
        saliency.Vanilla(GraphAdapter(session.graph, session, y, x), 1).GetMask(X[0])
    assert saliency.Occlusion(GraphAdapter(session.graph, session, y, x), 1).GetMask(X[0], size=1).shape == (6,)


def test_another_function_under_the_same_name_is_refused(tmp_path, monkeypatch):
    session, y, x = frozen_graph(straight_through, tmp_path)
    names = [op.get_attr("_gradient_op_type").decode() for op in session.graph.get_operations() if op.type == "IdentityN"]
    module = Module(tf.nn.silu)
    other = module.__call__.get_concrete_function().graph
    wrong = next(op.get_attr("_gradient_op_type").decode() for op in other.get_operations() if op.type == "IdentityN")
    registry = dict(gradient_registry._registry)
    monkeypatch.setattr(gradient_registry, "_registry", registry | dict.fromkeys(names, registry[wrong]))
    with pytest.raises(saliency.ModelError, match="gradient of its own"):
        saliency.Vanilla(GraphAdapter(session.graph, session, y, x), 1).GetMask(X[0])


def test_pruned_functions_are_called():
    frozen = convert_variables_to_constants_v2(keep_alive(Module(tf.nn.silu)).__call__.get_concrete_function())
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(frozen.graph.as_graph_def(), name=""), [])
    mask = saliency.Vanilla(wrapped.prune(frozen.inputs[0].name, frozen.outputs[0].name), 1).GetMasks(X)
    np.testing.assert_allclose(mask, tape_gradient(Module(tf.nn.silu), X, 1), rtol=1e-5, atol=1e-6)
