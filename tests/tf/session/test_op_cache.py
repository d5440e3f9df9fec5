"""Test which operations are added to a graph, how often, and that the graph is released."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

import saliency.tf as pair
from saliency import Deconvnet, GuidedBackprop, Vanilla
from saliency.core.errors import NoReLUError, TargetError
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import W3, X, expected_gradient
from tests.tf.session.session_networks import assert_close, perceptron, session_of_keras_model, v1


def count_operations(graph):
    return len(graph.get_operations())


def test_finalized_graph_stays_finalized_after_an_error():
    graph, session, y, x = perceptron(tf.tanh)
    graph.finalize()
    with pytest.raises(NoReLUError, match="Tanh"):
        GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    assert graph.finalized
    mask = GuidedBackprop(GraphAdapter(graph, session, y, x), 0, allow_no_relu=True).GetMask(X[0])
    np.testing.assert_array_equal(mask, Vanilla(GraphAdapter(graph, session, y, x), 0).GetMask(X[0]))
    assert graph.finalized


def test_graph_grows_with_queries_not_with_calls(images, keras_model):
    graph, session = session_of_keras_model(keras_model)

    def explain(y):
        for method in ("Vanilla", "GuidedBackprop", "IntegratedGradients", "GradCAM"):
            mask = getattr(pair, method)(graph, session, "probabilities", "x")
            mask.GetMask(images[0])
            mask.GetMasks(images, y=y)
            mask.GetSmoothedMask(images[0], nsamples=2)

    explain(2)
    before = count_operations(graph)
    for y in (0, 1, [0, 2, 3]):
        explain(y)
    assert count_operations(graph) == before


def test_a_failure_adds_operations_once():
    graph, session, y, x = perceptron(tf.tanh)
    sizes = []
    for _ in range(3):
        with pytest.raises(NoReLUError):
            GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
        sizes.append(count_operations(graph))
    assert sizes[1:] == sizes[:1] * 2


def test_graph_is_released():
    graph, session, y, x = perceptron()
    GuidedBackprop(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    with pytest.raises(TargetError):
        Vanilla(GraphAdapter(graph, session, y, x), 7).GetMask(X[0])
    session.close()
    released = weakref.ref(graph)
    del graph, session, y, x
    gc.collect()
    assert released() is None


def test_the_user_s_gradients_stay_vanilla():
    graph, session, y, x = perceptron()
    for method in (GuidedBackprop, Deconvnet):
        method(GraphAdapter(graph, session, y, x), 0).GetMask(X[0])
    with graph.as_default():
        (gradient,) = tf.gradients(y[:, 0], x)
    assert_close(session.run(gradient, {x: X[:1]})[0], expected_gradient(X[0], 0))


@pytest.mark.parametrize("resource", [True, False])
def test_weights_may_change(resource):
    graph, session, y, x = perceptron(resource=resource)
    mask = GuidedBackprop(GraphAdapter(graph, session, y, x), 0)
    before = mask.GetMask(X[0])
    with graph.as_default():
        last = next(one for one in v1.global_variables() if one.name == "c:0")
        session.run(last.assign(2 * W3))
    assert_close(mask.GetMask(X[0]), 2 * np.asarray(before))
