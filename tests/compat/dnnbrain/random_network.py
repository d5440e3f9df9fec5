"""Networks with random weights, and random images."""

import numpy as np
import torch
from PIL import Image


def random_network(kind):
    """Return a network of DNNBrain's with weights from random seed 0, and preserve Torch's random generator."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return kind(pretrained=False)


def random_image(side):
    """Return a square RGB image of random pixels."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))
