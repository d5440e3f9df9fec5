"""A chain of layers, in which each layer's input is the output of the layer before."""

import torch
from torch import nn

from saliency import Deconvnet, GuidedBackprop, Vanilla

METHODS = [Vanilla, GuidedBackprop, Deconvnet]


def layer_chain(inplace=True, end=None):
    """Return a model whose layers are called one after the other."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(inplace), nn.Flatten(),
        nn.Linear(5 * 5 * 3, 8), nn.ReLU(inplace), nn.Linear(8, 4), *([end] if end else []),
    ).eval()  # fmt: skip
