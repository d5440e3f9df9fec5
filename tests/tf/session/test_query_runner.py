"""Test other inputs, batches of a fixed size, and outputs of one number."""

import copy

import numpy as np
import pytest
import tensorflow as tf

import saliency
import saliency.tf as pair
from saliency import Vanilla
from saliency.core.errors import BatchWarning, MemoryShortage
from saliency.tf import GraphAdapter
from tests.tf.relu_networks import W1, X, expected_gradient
from tests.tf.session.session_networks import assert_close, perceptron, v1


def with_another_input():
    """Return graph, session and tensors of score = (relu(x W1) . factor) * scale, with a factor (1, 8) and a scalar scale."""
    graph = tf.Graph()
    with graph.as_default():
        x, factor = v1.placeholder(tf.float32, (None, 6), name="x"), v1.placeholder(tf.float32, (None, 8), name="factor")
        scale = v1.placeholder_with_default(1.0, (), name="scale")
        y = tf.reduce_sum(tf.nn.relu(x @ W1) * factor, axis=1, keepdims=True) * scale
    return graph, v1.Session(graph=graph), y, x, factor, scale


def test_other_inputs_are_fed_unchanged():
    graph, session, y, x, factor, scale = with_another_input()
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 1, 8)).astype("float32")

    def gradient(x, factor, scale=1.0):
        return scale * W1 @ ((x @ W1 > 0) * factor[0])

    mask = pair.Vanilla(graph, session, y, x, target=0)
    for feed in ({factor: factors[0], scale: 2.0}, {"factor": factors[0].tolist(), "scale:0": np.float32(2)}):
        before = copy.copy(feed)
        assert_close(mask.GetMask(X[0], feed), gradient(X[0], factors[0], 2.0))
        mask.GetSmoothedMask(X[0], feed, nsamples=3)
        assert list(feed) == list(before)
        assert all(feed[name] is before[name] for name in before)
    # one value for each of several inputs, and one value for all points of a path
    masks = mask.GetMasks(X[:3], feed_dict={factor: factors})
    assert_close(masks, np.stack([gradient(*both) for both in zip(X[:3], factors, strict=True)]))
    steps = pair.IntegratedGradients(graph, session, y, x, target=0).GetMask(X[0], {factor: factors[0]}, x_steps=4)
    assert_close(steps, X[0] * sum(gradient(part * X[0], factors[0]) for part in np.linspace(0, 1, 4)) / 4)


def test_sparse_inputs_are_fed_unchanged():
    graph = tf.Graph()
    with graph.as_default():
        x, sparse = v1.placeholder(tf.float32, (None, 3), name="x"), v1.sparse_placeholder(tf.float32, (3, 1), name="sparse")
        y = tf.transpose(tf.sparse.sparse_dense_matmul(sparse, tf.transpose(x), adjoint_a=True))
    value = v1.SparseTensorValue([[0, 0], [2, 0]], [2.0, 5.0], (3, 1))
    with v1.Session(graph=graph) as session:
        mask = pair.Vanilla(graph, session, y, x, target=0).GetMask([1.0, 2.0, 3.0], {sparse: value})
    np.testing.assert_array_equal(mask, [2, 0, 5])


@pytest.mark.parametrize("batch", [1, 3])
def test_graph_with_a_fixed_batch_size(batch):
    graph, session, y, x = perceptron(batch=batch)
    adapter, free = GraphAdapter(graph, session, y, x), GraphAdapter(*perceptron())
    assert_close(
        Vanilla(adapter).GetMasks([*X, X[0]], y=[0, 1, 2, 0, 1]), Vanilla(free).GetMasks([*X, X[0]], y=[0, 1, 2, 0, 1])
    )
    assert_close(Vanilla(adapter).GetMasks([X[1]] * 3, y=range(3)), np.stack([expected_gradient(X[1], c) for c in range(3)]))
    assert_close(saliency.Occlusion(adapter, 1).GetMask(X[0], size=2), saliency.Occlusion(free, 1).GetMask(X[0], size=2))


@pytest.mark.parametrize(
    "y", [lambda y: y[0, 1], lambda y: tf.reshape(y[0, 1], (1, 1)), lambda y: y[:, 1], lambda y: y[:, 1:2]]
)
def test_one_number_for_each_input(y):
    mask = pair.Vanilla(*perceptron(head=y))
    assert_close(mask.GetMasks(X), np.stack([expected_gradient(one, 1) for one in X]))
    assert_close(mask.GetMask(X[2]), expected_gradient(X[2], 1))


def test_output_of_the_first_input_only():
    """The first axis of `y` has an unknown length, but always one row."""
    mask = pair.IntegratedGradients(*perceptron(head=lambda y: y[:1, 1]))
    with pytest.warns(BatchWarning, match="1 row.s. for 25 input.s.*batch_size=1"):
        found = mask.GetMask(X[0])
    alone = pair.IntegratedGradients(*perceptron(head=lambda y: y[:1, 1]), batch_size=1)
    assert_close(found, alone.GetMask(X[0]))
    assert_close(alone.GetMask(X[0]), pair.IntegratedGradients(*perceptron(), target=1).GetMask(X[0]))


def test_memory_shortage_halves_the_batch():
    graph, session, y, x = perceptron()

    class LimitedSession:
        def __init__(self, limit):
            self.graph, self.limit, self.sizes = graph, limit, []

        def run(self, fetches, feed_dict):
            self.sizes.append(len(feed_dict[x]))
            if len(feed_dict[x]) > self.limit:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return session.run(fetches, feed_dict)

    two = LimitedSession(2)
    masks = Vanilla(GraphAdapter(graph, two, y, x)).GetMasks(X, y=1)
    assert_close(masks, np.stack([expected_gradient(one, 1) for one in X]))
    assert two.sizes == [4, 2, 1, 2]  # the third checks that the samples are independent
    with pytest.raises(MemoryShortage, match="OOM"):
        Vanilla(GraphAdapter(graph, LimitedSession(0), y, x), 1).GetMask(X[0])
