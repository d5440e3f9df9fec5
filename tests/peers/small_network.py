"""A small convolutional network, images and maps that every library gets."""

import numpy as np
import torch

SIZE = 20, 10
RNG = np.random.default_rng(0)
IMAGES = RNG.random((3, 1, *SIZE), np.float32)
CLASSES = np.array([0, 2, 1])
MAPS = RNG.normal(size=(3, *SIZE)).astype(np.float32)
OBJECTS = np.zeros((3, *SIZE), bool)
OBJECTS[0, 3:9, 2:7] = OBJECTS[1, :4] = OBJECTS[2, 10:, 5:] = True


def torch_network() -> torch.nn.Module:
    """Return a network with one input channel and three classes."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        layers = (torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 18 * 8, 3))
    return torch.nn.Sequential(*layers).eval()
