"""Test the errors for wrong graphs, sessions, tensors, inputs and targets."""

import pytest
import tensorflow as tf

import saliency
import saliency.tf as pair
from saliency.core.errors import GradientError, InputError, ModelError, TargetError
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import X
from tests.tf.session.session_networks import perceptron, v1


def explain_with(**changes):
    graph, session, y, x = perceptron()
    given = {"graph": graph, "session": session, "y": y, "x": x, "target": 0, "value": X[0], "feed": None, **changes}
    for name, value in given.items():
        given[name] = value(graph, session, y, x) if callable(value) and not isinstance(value, tf.Tensor) else value
    mask = pair.Vanilla(*(given[name] for name in ("graph", "session", "y", "x", "target")))
    return mask.GetMask(given["value"], given["feed"])


def with_unfed_placeholder(graph, session, y, x):
    with graph.as_default():
        return y * v1.placeholder(tf.float32, (), name="forgotten")


def closed_session(graph, session, y, x):
    session.close()
    return session


def uninitialized_session(graph, session, y, x):
    return v1.Session(graph=graph)


def in_graph(make):
    def made(graph, session, y, x):
        with graph.as_default():
            return make(y, x)

    return made


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"session": closed_session}, ModelError, "`session` can't run.*closed"),
        ({"session": uninitialized_session}, ModelError, "variables initialized"),
        ({"session": lambda *_: v1.Session(graph=tf.Graph())}, InputError, "`session`.*runs another one"),
        ({"session": lambda *_: None}, InputError, "`session`"),
        ({"graph": lambda *_: None}, InputError, "`graph`.*tf.Graph"),
        ({"x": lambda *_: perceptron()[3]}, InputError, "`x` .*'x:0'.*must be a tensor of `graph`"),
        ({"x": "y"}, InputError, r"`x` \(='y'\) must be one of the graph's tensors; nearest"),
        ({"y": "matmul_9:0"}, InputError, r"`y`.*nearest: matmul"),
        ({"x": lambda *_: tf.constant(X)}, InputError, "`x`.*eager"),
        ({"x": lambda *_: X}, InputError, r"`x` \(ndarray\) must be a tensor"),
        ({"x": in_graph(lambda y, x: tf.cast(x, tf.int32))}, InputError, "int32.*floats"),
        ({"y": in_graph(lambda y, x: y[0])}, InputError, r"shape \(3,\).*must be one number, or have a row for each"),
        ({"y": in_graph(lambda y, x: v1.placeholder(tf.float32))}, ModelError, "unknown number of axes"),
        ({"y": in_graph(lambda y, x: tf.zeros_like(x) + 1.0)}, GradientError, "does not depend on `x_value`"),
        ({"y": in_graph(lambda y, x: tf.stop_gradient(y))}, GradientError, "stop_gradient"),
        ({"y": in_graph(lambda y, x: tf.cast(tf.argmax(y, 1), tf.float32))}, GradientError, "does not depend on `x_value`"),
        ({"y": in_graph(lambda y, x: tf.reshape(y, (-1, 1)))}, ModelError, r"3 row.s. for 1 input"),
        ({"y": in_graph(lambda y, x: y / 0.0)}, GradientError, "finite"),
        ({"value": X[0][:5]}, InputError, r"`x_value` \(shape \(5,\)\) must have the shape \(6,\) of `x` \('x:0'\)"),
        ({"value": X[:1]}, InputError, r"shape \(1, 6\).*without its batch axis"),
        ({"feed": {"z": 1}}, InputError, r"`feed_dict\['z'\]` \(='z'\) must be one of the graph's tensors"),
        ({"feed": {7: 1}}, InputError, r"`feed_dict` \(int\) must be a tensor"),
        ({"feed": {"x": X[:1]}}, InputError, "'x:0', which is `x`"),
        ({"feed": [1]}, InputError, "`feed_dict` .list. must be a mapping"),
        ({"y": with_unfed_placeholder}, InputError, "forgotten"),
        ({"target": 3}, TargetError, "class or channel 3 is not in the model's output, which has 3"),
        ({"target": lambda *_: [0, 5]}, TargetError, "5 is not"),
        ({"target": ("nothing", 1)}, TargetError, "`layer` .='nothing'"),
        ({"target": lambda *_: lambda outputs: outputs[:, 0]}, TargetError, "callable"),
    ],
)
def test_errors(changes, error, match):
    with pytest.raises(error, match=match):
        explain_with(**changes)


def test_layers_without_a_map(graph_and_session, images):
    adapter = GraphAdapter(*graph_and_session, "probabilities", "x")
    with pytest.raises(TargetError, match=r"layer 'logits' outputs the shape \(1, 4\); a map needs \(N, \*space, channels\)"):
        saliency.GradCAM(adapter, 0, layer="logits").GetMask(images[0])
    with pytest.raises(TargetError, match="must be a tensor of `graph`"):
        saliency.GradCAM(adapter, 0, layer=perceptron()[2]).GetMask(images[0])
    with pytest.raises(TargetError, match="`conv_layer`.*must be named"):
        saliency.GradCAM(GraphAdapter(*perceptron()), 0).GetMask(X[0])
