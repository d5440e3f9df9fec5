"""Sessions without eager execution, and without TensorFlow 2 behavior: for a process of its own, because neither can be enabled again."""

import numpy as np
import tensorflow as tf

import saliency.tf
from tests.tf.relu_networks import X, expected_gradient
from tests.tf.session.session_networks import perceptron, v1


def mask_in_both_modes():
    """Compute masks in both modes, each with new graphs and sessions; return the names of the modes."""
    done = []
    for switch in (v1.disable_eager_execution, v1.disable_v2_behavior):  # the second includes the first
        switch()
        check_gradients()
        check_grad_cam()
        done.append(switch.__name__)
    return done


def check_gradients():
    _graph, session, y, x = perceptron()
    for name, rule in (("Vanilla", None), ("GuidedBackprop", "guided")):
        mask = getattr(saliency.tf, name)(session.graph, session, y, x, target=1)
        np.testing.assert_allclose(mask.GetMask(X[0]), expected_gradient(X[0], 1, rule), rtol=1e-4, atol=1e-5)
        assert mask.GetSmoothedMask(X[0]).any()


def check_grad_cam():
    graph = tf.Graph()
    with graph.as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 6, 6, 1))
        features = tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 1, 2), "float32"), [1, 2, 2, 1], "SAME"))
        y = tf.reduce_sum(features * [1.0, 3.0], (1, 2))
        dead = tf.nn.relu(features - 1e9)  # a map with a zero gradient
        image = np.arange(36.0).reshape(6, 6, 1)
        grad_cam = saliency.tf.GradCAM(graph, session, y + 0 * tf.reduce_sum(dead, (1, 2)), x, target=1)
        found = grad_cam.GetMask(image, should_resize=False)
        np.testing.assert_allclose(found[..., 0], 3 * session.run(features, {x: image[None]})[0, ..., 1], rtol=1e-5)
