"""Test graphs with control flow, function calls and frozen weights: every ReLU is reached, and no operation changes."""

import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency import GuidedBackprop, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.errors import LogitWarning, ModelError
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import (
    W1,
    W2,
    W3,
    X,
    expected_gradient,
    exported_model,
    in_a_branch,
    in_a_case,
    in_a_function,
    in_a_loop,
    saved_module,
)
from tests.tf.session.session_networks import RULES, assert_close, perceptron, v1


def tensorflow1_condition(x):
    v1.disable_control_flow_v2()
    try:
        return in_a_branch(x)
    finally:
        v1.enable_control_flow_v2()


def tensorflow1_loop(x):
    v1.disable_control_flow_v2()
    try:
        return in_a_loop(x)
    finally:
        v1.enable_control_flow_v2()


RELUS = [
    tf.nn.relu,
    in_a_branch,
    in_a_case,
    in_a_loop,
    in_a_function,
    tensorflow1_condition,
    tensorflow1_loop,
]


@pytest.mark.parametrize("resource", [True, False])
@pytest.mark.parametrize("relu", RELUS, ids=lambda relu: relu.__name__)
def test_rules_reach_all_relus_and_change_no_operation(relu, resource):
    graph, session, y, x = perceptron(relu, resource)
    before = graph.as_graph_def().node
    for rule in (*RULES, *RULES):
        masks = RULES[rule](GraphAdapter(graph, session, y, x)).GetMasks(X, y=[0, 1, 2, 0])
        expected = np.stack([expected_gradient(one, y, rule) for one, y in zip(X, [0, 1, 2, 0], strict=True)])
        assert_close(masks, expected)
    assert list(graph.as_graph_def().node[: len(before)]) == list(before)
    assert np.isfinite(session.run(y, {x: X})).all()  # the session can still run what it ran before


@pytest.mark.parametrize(
    "make", [saved_module, exported_model, *(lambda folder, relu=relu: saved_module(folder, relu) for relu in RELUS[1:5])]
)
def test_saved_model_in_a_session(make, tmp_path):
    folder = make(tmp_path / "saved")
    graph = tf.Graph()
    with v1.Session(graph=graph) as session:
        with graph.as_default():
            signature = v1.saved_model.load(session, ["serve"], folder).signature_def["serving_default"]
        (x,), (y,) = signature.inputs.values(), signature.outputs.values()
        session.run(y.name, {x.name: X})
        assert {"StatefulPartitionedCall"} <= {op.type for op in graph.get_operations()}
        for rule, method in RULES.items():
            masks = method(GraphAdapter(graph, session, y.name, x.name)).GetMasks(X[:2], y=[0, 1])
            assert_close(masks, np.stack([expected_gradient(X[0], 0, rule), expected_gradient(X[1], 1, rule)]))


def test_logits_inside_a_function_call():
    graph, session, y, x = perceptron(head=tf.function(tf.nn.softmax))
    adapter = GraphAdapter(graph, session, y, x)
    assert_close(Vanilla(adapter, 1).GetMask(X[0]), expected_gradient(X[0], 1))
    logits = np.maximum(np.maximum(X[:1] @ W1, 0) @ W2, 0) @ W3
    np.testing.assert_allclose(adapter.outputs(X[:1], Request(saliency.core.target.Target())), logits, rtol=1e-4)


def test_hidden_logits_warn():
    graph, session, y, x = perceptron(head=lambda y: tf.nn.softmax(y) * 2.0)
    with pytest.warns(LogitWarning, match="logits=False"):
        Vanilla(GraphAdapter(graph, session, y, x), 1).GetMask(X[0])


def test_imported_loop_has_no_gradient():
    graph, session, y, x = perceptron(tensorflow1_loop)
    constants = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), [y.op.name])
    with tf.Graph().as_default() as other, v1.Session() as session:
        tf.import_graph_def(constants, name="")
        adapter = GraphAdapter(other, session, y.name, x.name)
        with pytest.raises(ModelError, match="loop of TensorFlow 1"):
            Vanilla(adapter, 0).GetMask(X[0])
        logits = (np.maximum(np.maximum(X[0] @ W1, 0) @ W2, 0) @ W3)[0]
        mask = saliency.Occlusion(adapter, 0).GetMask(X[0], size=6)  # needs no gradient
        np.testing.assert_allclose(mask, np.full(6, logits), rtol=1e-4)


@pytest.mark.parametrize("finalized", [False, True])
def test_frozen_graph(finalized, keras_model, graph_and_session, images):
    graph, session = graph_and_session
    constants = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["probabilities"])
    frozen = tf.Graph()
    with frozen.as_default():
        tf.import_graph_def(constants, name="model")
    if finalized:
        frozen.finalize()
    adapter = GraphAdapter(frozen, v1.Session(graph=frozen), "model/probabilities", "model/x", "model/last")
    for method in (Vanilla, GuidedBackprop, saliency.GradCAM, saliency.Occlusion):
        options = {"size": 4} if method is saliency.Occlusion else {"layer": "last"} if method is saliency.GradCAM else {}
        theirs = method(keras_model, 1).GetMask(images[0], **options)
        options.pop("layer", None)  # the adapter's default
        assert_close(method(adapter, 1).GetMask(images[0], **options), theirs)
    assert frozen.finalized is finalized
