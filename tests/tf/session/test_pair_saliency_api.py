"""Test PAIR's constructors and defaults."""

import numpy as np
import pytest

import saliency
import saliency.tf as pair
from tests.tf.relu_networks import X, expected_gradient
from tests.tf.session.session_networks import assert_close, perceptron


@pytest.mark.parametrize("method", ["Vanilla", "GuidedBackprop", "IntegratedGradients", "Occlusion", "GradCAM"])
def test_pair_s_constructors_explain_one_number(method, keras_model, graph_and_session, images):
    """PAIR's y is logits[0][neuron_selector]. Only Integrated Gradients and Grad-CAM have defaults that differ from the core's."""
    graph, session = graph_and_session
    mask = getattr(pair, method)(graph, session, graph.get_tensor_by_name("y:0"), graph.get_tensor_by_name("x:0"))
    options = {"Occlusion": {"size": 3}}.get(method, {})
    defaults = {"IntegratedGradients": {"rule": "inclusive", "x_steps": 25}, "GradCAM": {"three_dims": True}}.get(method, {})
    theirs = getattr(saliency, method)(keras_model, 3, **defaults, **options)
    feed = {graph.get_tensor_by_name("selected:0"): 3}
    assert_close(mask.GetMask(images[0], feed, **options), theirs.GetMask(images[0]))
    assert_close(mask.GetMask(images[1], {"selected": 3}, **options), theirs.GetMask(images[1]))
    assert mask.GetMask(images[0], feed, **options).shape == (8, 8, 3)
    smoothed = mask.GetSmoothedMask(images[0], feed, nsamples=3, seed=1, **options)
    selected = getattr(pair, method)(graph, session, "logits", "x", target=3)
    assert_close(selected.GetSmoothedMask(images[0], nsamples=3, seed=1, **options), smoothed)


def test_pair_s_integrated_gradients_by_its_definition():
    graph, session, y, x = perceptron()
    points = np.linspace(0, 1, 25)  # endpoints at full weight, sum divided by the number of steps
    expected = X[0] * sum(expected_gradient(point * X[0], 1) for point in points) / 25
    assert_close(pair.IntegratedGradients(graph, session, y, x, target=1).GetMask(X[0]), expected)


def test_pair_s_older_names():
    graph, session, y, x = perceptron(head=lambda y: y[0, 2])
    assert_close(pair.GradientSaliency(graph, session, y, x).GetMask(X[0]), expected_gradient(X[0], 2))
    mask = pair.GuidedBackpropSaliency(graph, session, y, x, tmp_ckpt_path="/nowhere/at/all")
    assert_close(mask.GetMask(X[0], {}), expected_gradient(X[0], 2, "guided"))
    assert pair.GradCam is pair.GradCAM
