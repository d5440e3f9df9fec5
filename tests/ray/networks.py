"""Networks that workers import, without a framework, and pictures."""

import io
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

import saliency
from saliency import demo, nets

N = 40
SCENES = Path(demo.__file__).parent / "scenes.stim.csv"

SIZE = (8, 8)
WEIGHTS = np.random.default_rng(0).normal(size=(3 * 64, 5)).astype(np.float32)


def linear(delay=0.0):
    """Return a linear network; the gradient of a white picture is NaN."""

    def forward(x):
        time.sleep(delay * len(x))
        return x.reshape(len(x), -1) @ WEIGHTS

    def vjp(x, cotangent):
        gradient = (np.asarray(cotangent) @ WEIGHTS.T).reshape(x.shape) * (1 + x)
        return np.where(x.reshape(len(x), -1).min(axis=1).reshape(-1, 1, 1, 1) > 0.99, np.nan, gradient)

    return nets.Network("linear", saliency.FunctionAdapter(forward, channel_axis=0, vjp=vjp), SIZE)


def slow():
    """Return a network whose passes take 50 ms."""
    return linear(delay=0.05)


def ending():
    """Return a function that ends its process."""
    return os._exit


def png(values, size=SIZE):
    file = io.BytesIO()
    Image.fromarray(np.broadcast_to(np.uint8(values), (*size, 3))).save(file, "PNG")
    return file.getvalue()


def pictures(n):
    return [{"index": i, "name": f"picture {i}", "picture": png(5 * i), "label": i % 5} for i in range(n)]
