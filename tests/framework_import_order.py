"""How far the masks of both frameworks are apart, in a process that imports them in a given order.

``python -m tests.framework_import_order torch tensorflow`` prints it.
"""

import importlib
import sys

import numpy as np

import saliency
from saliency import nets


def largest_difference():
    """Return the largest difference of the guided masks of one input, as a fraction of the largest value."""
    x = np.random.default_rng(0).normal(size=(96, 96, 3)).astype("float32")
    of_tf = saliency.GuidedBackprop(nets.load("DemoNet", framework="tf").model, 3).GetMask(x)
    of_torch = saliency.GuidedBackprop(nets.load("DemoNet").model, 3).GetMask(x.transpose(2, 0, 1))
    return np.abs(of_tf.transpose(2, 0, 1) - of_torch).max() / np.abs(of_torch).max()


if __name__ == "__main__":
    for module in sys.argv[1:]:
        importlib.import_module(module)
    print(largest_difference())
