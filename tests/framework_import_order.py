"""How far the masks of both frameworks are apart, and which one this process imported first."""

import sys

import numpy as np

import saliency
from saliency import nets


def import_order():
    return [name for name in sys.modules if name in ("torch", "tensorflow")]


def largest_difference():
    """Return the largest difference of the guided masks of one input, as a fraction of the largest value."""
    x = np.random.default_rng(0).normal(size=(96, 96, 3)).astype("float32")
    of_tf = saliency.GuidedBackprop(nets.load("DemoNet", framework="tf").model, 3).GetMask(x)
    of_torch = saliency.GuidedBackprop(nets.load("DemoNet").model, 3).GetMask(x.transpose(2, 0, 1))
    return np.abs(of_tf.transpose(2, 0, 1) - of_torch).max() / np.abs(of_torch).max()
