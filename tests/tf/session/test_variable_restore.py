"""Variables that the output depends on, and that each run assigns, are left as they were."""

import numpy as np
import pytest
import tensorflow as tf

import saliency
from saliency.tf.session.adapter import GraphAdapter

v1 = tf.compat.v1
X = np.random.default_rng(0).normal(size=(6, 6, 3)).astype("f4")


def scattered(variable):
    return v1.scatter_add(variable, [1], [1.0])


def in_condition(variable):
    return v1.cond(tf.constant(True), lambda: variable.assign_add([1.0, 2.0]), lambda: variable.assign([0.0, 0.0]))


def added(variable):
    return variable.assign_add([1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "use_resource"), [(added, True), (added, False), (scattered, True), (scattered, False), (in_condition, True)]
)
def test_assigned_variables_are_restored(change, use_resource):
    graph = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, (None, 6, 6, 3))
        state = v1.get_variable("state", (2,), initializer=tf.zeros_initializer(), use_resource=use_resource)
        unused = v1.get_variable("unused", (2,), initializer=tf.zeros_initializer(), use_resource=use_resource)
        with tf.control_dependencies([change(state)]):
            total = tf.reduce_sum(tf.identity(state.read_value()))
        y = tf.reduce_mean(tf.square(x) * (1 + total), (1, 2))
        session = v1.Session(graph=graph)
        session.run(v1.global_variables_initializer())
        session.run([state.assign([0.5, 0.5]), unused.assign([3.0, 3.0])])
    adapter, change_of_total = GraphAdapter(graph, session, y, x), 1.0 if change is scattered else 3.0
    for _ in range(2):
        mask = saliency.Vanilla(adapter, 1).GetMask(X)
        expected = np.zeros_like(X)
        expected[..., 1] = 2 * X[..., 1] * (2 + change_of_total) / 36
        np.testing.assert_allclose(mask, expected, rtol=1e-5)
        saliency.IntegratedGradients(adapter, 1).GetMask(X, x_steps=3)
        np.testing.assert_array_equal(session.run(state), [0.5, 0.5])
        np.testing.assert_array_equal(session.run(unused), [3.0, 3.0])
    operations = len(graph.get_operations())
    saliency.Vanilla(adapter, 1).GetMask(X)
    assert len(graph.get_operations()) == operations
