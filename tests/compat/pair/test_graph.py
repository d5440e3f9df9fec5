"""PAIR's interface for a TensorFlow 1 graph and its session."""

from unittest import mock

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow.compat.v1")

import saliency.compat.pair.tf1 as pair  # noqa: E402
from saliency.compat.pair.core import base  # noqa: E402

X = np.random.default_rng(0).random((6, 5, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    with tf.Graph().as_default() as graph:
        x, factor = tf.placeholder(tf.float32, (None, 6, 5, 2)), tf.placeholder(tf.float32, ())
        kernel = tf.constant(np.random.default_rng(1).normal(size=(3, 3, 2, 4)), tf.float32)
        layer = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        y = factor * tf.reduce_sum(layer * tf.constant([1.0, -2.0, 3.0, 0.5]), (1, 2, 3))
        with tf.Session() as session:
            graph.finalize()
            yield graph, mock.MagicMock(wraps=session), y, x, layer, factor


def test_the_gradient_and_what_the_session_receives(network):
    graph, session, y, x, _, factor = network
    feed, method = {factor: 2.0}, pair.GradientSaliency(graph, session, y, x)
    mask, size = method.GetMask(X, feed), len(graph.get_operations())
    session.run.assert_called_once()
    (fetches,), options = session.run.call_args
    assert len(fetches) == 1 and set(options["feed_dict"]) == {factor, x} and feed == {factor: 2.0}
    step = np.zeros_like(X)
    step[2, 3, 1] = 1e-2
    high, low = (session.run(y, feed_dict={x: (X + side)[None], **feed})[0] for side in (step, -step))
    assert mask[2, 3, 1] == pytest.approx((high - low) / 2e-2, rel=1e-2)
    assert pair.GradientSaliency(graph, session, y, x).GetMask(X, feed) == pytest.approx(mask)
    assert len(graph.get_operations()) == size  # shared, and the graph stays finalized


def test_masks_are_those_of_the_core_interface(network):
    graph, session, y, x, layer, factor = network
    feed, arguments = {factor: 1.0}, (graph, session, y, x)
    function = pair.create_tf1_call_model_function(graph, session, y, x, layer)
    options = {"x_steps": 7, "batch_size": 3}
    for method in (pair.GradCam(*arguments, layer), pair.Occlusion(*arguments), pair.IntegratedGradients(*arguments)):
        own = {pair.Occlusion: {"size": 3}, pair.IntegratedGradients: options}.get(type(method), {})
        session.run.reset_mock()
        mask = method.GetMask(X, feed, **own)
        assert session.run.call_count == {pair.GradCam: 1, pair.Occlusion: 13, pair.IntegratedGradients: 3}[type(method)]
        assert np.abs(mask - method.core_instance.GetMask(X, function, feed, **own)).max() == 0 < np.abs(mask).max()


def test_guided_backpropagation_needs_no_feed_dict_and_no_checkpoint():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, (None, 6, 5, 2))
        kernel = tf.constant(np.random.default_rng(1).normal(size=(3, 3, 2, 3)), tf.float32)
        layer = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        y, positive = (
            tf.reduce_sum(layer * tf.constant(weights), (1, 2, 3)) for weights in ([1.0, -2.0, 3.0], [1.0, 0.0, 3.0])
        )
        guided = pair.GuidedBackprop(graph, session, y, x)
        mask = guided.GetMask(X)
        assert mask == pytest.approx(pair.GradientSaliency(graph, session, positive, x).GetMask(X), abs=1e-5)
        assert guided.GetSmoothedMask((200 * X).astype(np.uint8), nsamples=2).shape == X.shape


def test_keys_without_a_tensor(network):
    graph, session, y, x, _, _ = network
    function = pair.create_tf1_call_model_function(graph, session, y, x)
    with pytest.raises(RuntimeError, match="Cannot return key CONVOLUTION_LAYER_VALUES because no conv_layer was specified"):
        function(X[None], {}, [base.CONVOLUTION_LAYER_VALUES])
    with pytest.raises(ValueError, match="Invalid expected key other"):
        function(X[None], {}, ["other"])
    without = pair.create_tf1_call_model_function(graph, session, None, x)
    with pytest.raises(RuntimeError, match="Cannot return key OUTPUT_LAYER_VALUES because no y was specified"):
        without(X[None], {}, [base.OUTPUT_LAYER_VALUES])


@pytest.mark.parametrize(
    ("y", "x", "steps", "size", "message"),
    [
        ([], [None, 3], 1, 1, None),
        ([None], [5, 3], 10, 5, None),
        ([5], [None, 3], 10, 5, None),
        ([], [None, 3], 10, 5, pair.Y_SHAPE_ERROR_MESSAGE.format("[None] or tensor with size 5", "[]")),
        ([5], [None, 3], 11, 5, pair.Y_SHAPE_ERROR_MESSAGE.format("[None]", "[5]")),
        ([None], [5, 3], 1, 1, pair.X_SHAPE_ERROR_MESSAGE.format("None or 1", "5")),
        ([None], [5, 3], 11, 5, pair.X_SHAPE_ERROR_MESSAGE.format("None", "5")),
    ],
)
def test_shapes_of_the_tensors(y, x, steps, size, message):
    method = pair.TF1CoreSaliency(None, None, *(tf.TensorSpec(shape, tf.float32) for shape in (y, x)))
    if message is None:
        assert method.validate_xy_tensor_shape(steps, size) is None
        return
    with pytest.raises(ValueError) as raised:
        method.validate_xy_tensor_shape(steps, size)
    assert str(raised.value) == message
