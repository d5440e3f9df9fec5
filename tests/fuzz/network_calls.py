"""Random calls of the networks by name, and of what a network does with a picture."""

import importlib.util
from functools import cache

import numpy as np
from PIL import Image

from saliency import nets
from tests.fuzz.option_calls import PublicCall

PIXELS = np.random.default_rng(3).integers(0, 256, (9, 7, 3), np.uint8)
PICTURES = [Image.fromarray(PIXELS), PIXELS, np.moveaxis(PIXELS, -1, 0), PIXELS[..., 0], PIXELS.astype(np.uint16) * 256]


@cache
def _demo_net():
    return nets.load("DemoNet", framework="torch")


def network_calls():
    """Return the calls by name; none if Torch is missing."""
    if not importlib.util.find_spec("torch"):
        return {}
    network = _demo_net()
    size = (3, *network.size)

    def check(x):
        assert x.shape == size and x.dtype == np.float32 and np.isfinite(x).all(), "no input of the network"

    return {
        "nets.load": PublicCall(
            nets.load,
            {"name": ["DemoNet", "demonet", "no.module:function", "missing.pt"], "weights": [None, "missing.safetensors"],
             "framework": [None, "torch"], "trust": [False]},
        ),
        "nets.untrained": PublicCall(
            nets.untrained, {"seed": [0, 5], "framework": [None, "torch"], "name": ["DemoNet", "DemoViT", "no network"]}
        ),
        "nets.unfilled": PublicCall(nets.unfilled, {"name": ["no network"]}),
        "nets.of_object": PublicCall(nets.of_object, {"made": [network, network.model], "name": ["a name"]}),
        "Network.prepare": PublicCall(network.prepare, {"picture": PICTURES, "float_range": [None, (0.0, 1.0)]}, check),
        "Network.layer": PublicCall(network.layer, {"name": ["conv6"]}),
    }  # fmt: skip
