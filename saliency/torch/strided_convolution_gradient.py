"""Differentiate a strided first convolution faster than Torch does on a CPU."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.graph import GradientEdge, Node
from torch.nn import functional

from saliency.core.numerics.strided_convolution_gradient import phase_gradient_is_faster
from saliency.torch.autograd_graph import find_consumers, find_leaf_nodes, has_hooks
from saliency.torch.memory_format import is_large

MAX_PRECEDING_NODES = 4
"""Largest number of nodes between the leaf and the convolution, such as a normalization or a padding."""


def find_strided_convolution(scores: torch.Tensor, leaf: torch.Tensor) -> Node | None:
    """Return the node of a convolution through which all paths from a leaf to the scores lead, if the fast way pays for it.

    Args:
        scores: tensor with its graph.
        leaf: (N, channels, height, width).
    """
    if leaf.device.type != "cpu" or leaf.ndim != 4 or not is_large(leaf):
        return None
    consumers = find_consumers(scores)
    nodes, steps = find_leaf_nodes(consumers, leaf), 0
    while len(nodes) == 1 and steps <= MAX_PRECEDING_NODES:
        following = consumers.get(nodes[0], [])  # the scores' own node has no consumers
        if len(following) == 1 and following[0].name() == "ConvolutionBackward0":
            node = following[0]
            return node if node.next_functions[0][0] is nodes[0] and _is_faster(node) and not has_hooks(node) else None
        nodes, steps = following, steps + 1
    return None


def _is_faster(node: Any) -> bool:
    shape = node._saved_weight.shape
    if node._saved_transposed or node._saved_groups != 1 or set(node._saved_dilation) != {1} or len(shape) != 4:
        return False
    return phase_gradient_is_faster(shape[1], shape[2:], node._saved_stride)


def _as_pair(values: Sequence[int]) -> tuple[int, int]:
    """Return two numbers, of which Torch stores only one if they are equal."""
    return values[0], values[-1]


def gradient_through_convolution(
    node: Any, score: torch.Tensor, leaf: torch.Tensor, retain_graph: bool
) -> torch.Tensor | None:
    """Differentiate a score with respect to a leaf through a convolution; None if the score does not depend on the leaf.

    Args:
        node: of the convolution, from ``find_strided_convolution``.
        score: one number, computed from the scores that the node was found for.
        leaf: (N, channels, height, width).
        retain_graph: keep the graph for another backward pass.
    """
    weight, preceding = node._saved_weight.detach(), node.next_functions[0]
    stride, padding = _as_pair(node._saved_stride), _as_pair(node._saved_padding)
    input_size = _as_pair(node._saved_input.shape[2:])
    (grad_output,) = torch.autograd.grad(score, [GradientEdge(node, 0)], retain_graph=retain_graph, allow_unused=True)
    if grad_output is None:
        return None
    with torch.no_grad():
        grad_input = convolution_input_gradient(grad_output, weight, stride, padding, input_size)
    edge = [GradientEdge(*preceding)]  # also if it leads to the leaf itself, because the leaf may have the user's hooks
    return torch.autograd.grad(edge, leaf, [grad_input], retain_graph=retain_graph, allow_unused=True)[0]


def convolution_input_gradient(
    grad_output: torch.Tensor,
    weight: torch.Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    input_size: tuple[int, int],
) -> torch.Tensor:
    """Differentiate a convolution with respect to its input by one convolution of stride 1 that computes all phases.

    A pixel's offset within the stride determines the kernel weights that apply to it, so each phase has its own small kernel.

    Args:
        grad_output: gradient with respect to the convolution's output, (N, filters, rows, columns).
        weight: (filters, channels, height, width).
        stride, padding: of the convolution.
        input_size: (height, width) of the convolution's input.

    Returns:
        (N, channels, *input_size).

    Source:
        Shi et al., Is the deconvolution layer the same as a convolutional layer?, arXiv:1609.07009.
    """
    (n, filters), channels, (sy, sx) = grad_output.shape[:2], weight.shape[1], stride
    ky, kx = (-(-taps // step) for taps, step in zip(weight.shape[2:], stride, strict=True))
    padded_weight = functional.pad(weight, (0, kx * sx - weight.shape[3], 0, ky * sy - weight.shape[2]))
    kernels = padded_weight.reshape(filters, channels, ky, sy, kx, sx).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    phases = functional.conv2d(grad_output, kernels.reshape(-1, filters, ky, kx), padding=(ky - 1, kx - 1))
    rows, columns = phases.shape[2:]
    interleaved = phases.reshape(n, channels, sy, sx, rows, columns).permute(0, 1, 4, 2, 5, 3)
    interleaved = interleaved.reshape(n, channels, rows * sy, columns * sx)  # starts at the padding's first row and column
    (top, left), (height, width) = padding, input_size
    return functional.pad(interleaved, (-left, left + width - columns * sx, -top, top + height - rows * sy))
