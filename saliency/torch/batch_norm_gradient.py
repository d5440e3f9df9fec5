"""Correct Torch's gradient of a batch norm on a CPU if an axis has the length 1, such as the batch axis for a single image.

Torch 2.13 reads a tensor in the wrong order there if its strides fit a memory format except for the axes of length 1. Such
tensors come from reshapes, for instance from an image's positions to tokens. The gradient is then wrong by more than 100 %.
It is right for every input if the gradient that arrives has the strides of a new channels-last tensor. Instance norms have
the same fault for any number of images, because Torch computes them as a batch norm of one image.
"""

from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.torch.autograd_graph import find_nodes

MEMORY_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""Number of axes of (N, channels, *space) -> the channels-last memory format."""


def correct_batch_norm_gradients(scores: torch.Tensor) -> None:
    """Set hooks on the batch norms in the graph of one call on a CPU, so that their gradients are right.

    Args:
        scores: tensor with its graph.
    """
    for node in find_nodes(scores):
        if node.name().startswith(("NativeBatchNorm", "BatchNormWithUpdate")):
            node.register_prehook(_arrange_after_convolution if _follows_convolution(node) else _arrange)


def _follows_convolution(node: Node) -> bool:
    """Return whether a convolution computed the input of a node; its output has the strides of a new tensor."""
    preceding = node.next_functions[0][0]
    return preceding is not None and preceding.name() == "ConvolutionBackward0"


def _arrange(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return gradients of which the first has the strides of a new channels-last tensor."""
    gradient, *others = gradients
    if gradient is None or gradient.ndim not in MEMORY_FORMATS or 1 not in gradient.shape:
        return gradients
    arranged = torch.empty(gradient.shape, dtype=gradient.dtype, memory_format=MEMORY_FORMATS[gradient.ndim])
    return gradients if arranged.stride() == gradient.stride() else (arranged.copy_(gradient), *others)


def _arrange_after_convolution(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the same, but accept the strides of a new contiguous tensor, which are right if the input has such strides."""
    gradient = gradients[0]
    if gradient is not None and gradient.stride() == torch.empty(gradient.shape, device="meta").stride():
        return gradients
    return _arrange(gradients)
