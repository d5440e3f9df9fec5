"""A batch that exceeds a process's memory: for a process of its own, because the limit is that of the whole process."""

import resource
from pathlib import Path

import numpy as np
import torch

import saliency

SPARE = 160 * 2**20  # bytes: less than the activations of a batch of 32 need, and more than those of one input


def batch_sizes():
    """Compute masks in batches of 32 with too little memory, check them, and return the sizes of the batches that were tried."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    x = np.random.default_rng(0).normal(size=(32, 3, 128, 128)).astype("float32")
    expected = saliency.Vanilla(model, 0, batch_size=1).GetMasks(x)
    sizes = []
    model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE, -1))
    try:
        masks = saliency.Vanilla(model, 0, batch_size=32).GetMasks(x)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    assert np.abs(masks - expected).max() <= 1e-5 * np.abs(expected).max()
    return sizes
