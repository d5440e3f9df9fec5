"""Test sessions in processes that disable eager execution or TensorFlow 2 behavior."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SCRIPT = """
import tensorflow as tf
tf.compat.v1.{switch}()
import numpy as np
import saliency.tf
from tests.tf.relu_networks import X, expected_gradient
from tests.tf.session.session_networks import perceptron, v1

graph, session, y, x = perceptron()
for name, rule in (("Vanilla", None), ("GuidedBackprop", "guided")):
    mask = getattr(saliency.tf, name)(session.graph, session, y, x, target=1)
    np.testing.assert_allclose(mask.GetMask(X[0]), expected_gradient(X[0], 1, rule), rtol=1e-4, atol=1e-5)
    assert mask.GetSmoothedMask(X[0]).any()
graph = tf.Graph()
with graph.as_default(), v1.Session() as session:
    x = v1.placeholder(tf.float32, (None, 6, 6, 1))
    features = tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 1, 2), "float32"), [1, 2, 2, 1], "SAME"))
    y = tf.reduce_sum(features * [1.0, 3.0], (1, 2))
    dead = tf.nn.relu(features - 1e9)  # a map with a zero gradient
    image = np.arange(36.0).reshape(6, 6, 1)
    found = saliency.tf.GradCAM(graph, session, y + 0 * tf.reduce_sum(dead, (1, 2)), x, target=1).GetMask(image, should_resize=False)
    np.testing.assert_allclose(found[..., 0], 3 * session.run(features, {{x: image[None]}})[0, ..., 1], rtol=1e-5)
print("all right")
"""


def test_session_without_tensorflow_2_behavior():
    def run(switch):
        return subprocess.run([sys.executable, "-c", SCRIPT.format(switch=switch)], capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(run, ["disable_eager_execution", "disable_v2_behavior"]):
            assert done.stdout.endswith("all right\n"), done.stderr[-2000:]
