"""The strided convolution that a picture enters a network by, differentiated faster than Torch does it on a processor."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd.graph import GradientEdge, Node
from torch.nn import functional

from saliency.core.numerics.strided_convolution import phase_gradient_is_faster
from saliency.torch.autograd_graph import leaf_nodes, takers
from saliency.torch.memory_format import is_large

STEPS = 4
"""Nodes before the convolution at most, such as a normalization or a padding."""


def entrance(scores: torch.Tensor, leaf: torch.Tensor) -> Node | None:
    """Return the node of the convolution that all ways from a leaf to scores lead through, if this pays for it.

    Args:
        scores: with their graph.
        leaf: (N, channels, height, width).
    """
    if leaf.device.type != "cpu" or leaf.ndim != 4 or not is_large(leaf):
        return None
    taken_by = takers(scores)
    before, steps = leaf_nodes(taken_by, leaf), 0
    while len(before) == 1 and steps <= STEPS:
        after = taken_by.get(before[0], [])  # nobody takes the scores
        if len(after) == 1 and after[0].name() == "ConvolutionBackward0":
            return after[0] if after[0].next_functions[0][0] is before[0] and _pays(after[0]) else None
        before, steps = after, steps + 1
    return None


def _pays(node: Any) -> bool:
    shape = node._saved_weight.shape
    if node._saved_transposed or node._saved_groups != 1 or set(node._saved_dilation) != {1} or len(shape) != 4:
        return False
    return phase_gradient_is_faster(shape[1], shape[2:], node._saved_stride)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    """Return both numbers, of which Torch keeps one where they are the same."""
    return values[0], values[-1]


def through(node: Any, score: torch.Tensor, leaf: torch.Tensor, again: bool) -> torch.Tensor | None:
    """Differentiate a score by a leaf through its entrance; None if the score does not depend on the leaf.

    Args:
        node: of the convolution, see ``entrance``.
        score: one number, of the scores that it is the entrance of.
        leaf: (N, channels, height, width).
        again: keep the graph.
    """
    weight, before = node._saved_weight.detach(), node.next_functions[0]
    stride, padding, size = _pair(node._saved_stride), _pair(node._saved_padding), _pair(node._saved_input.shape[2:])
    (outwards,) = torch.autograd.grad(score, [GradientEdge(node, 0)], retain_graph=again, allow_unused=True)
    if outwards is None:
        return None
    with torch.no_grad():
        inwards = by_input(outwards, weight, stride, padding, size)
    if getattr(before[0], "variable", None) is leaf:
        return inwards
    return torch.autograd.grad([GradientEdge(*before)], leaf, [inwards], retain_graph=again, allow_unused=True)[0]


def by_input(
    outwards: torch.Tensor, weight: torch.Tensor, stride: tuple[int, int], padding: tuple[int, int], size: tuple[int, int]
) -> torch.Tensor:
    """Differentiate a convolution by its input, as one convolution without a stride that gives all phases of the stride.

    A pixel's place in its stride tells which of the kernel's weights it meets; so there is a small kernel for each phase.

    Args:
        outwards: gradient by the convolution's output, (N, filters, rows, columns).
        weight: (filters, channels, height, width).
        stride, padding: of the convolution.
        size: of its input, (height, width).

    Returns:
        (N, channels, *size).

    Source:
        Shi et al., Is the deconvolution layer the same as a convolutional layer?, arXiv:1609.07009.
    """
    (n, filters), channels, (sy, sx) = outwards.shape[:2], weight.shape[1], stride
    ky, kx = (-(-taps // step) for taps, step in zip(weight.shape[2:], stride, strict=True))
    whole = functional.pad(weight, (0, kx * sx - weight.shape[3], 0, ky * sy - weight.shape[2]))
    kernels = whole.reshape(filters, channels, ky, sy, kx, sx).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    phases = functional.conv2d(outwards, kernels.reshape(-1, filters, ky, kx), padding=(ky - 1, kx - 1))
    rows, columns = phases.shape[2:]
    joined = phases.reshape(n, channels, sy, sx, rows, columns).permute(0, 1, 4, 2, 5, 3)
    joined = joined.reshape(n, channels, rows * sy, columns * sx)  # from the padding's first row and column on
    (top, left), (height, width) = padding, size
    return functional.pad(joined, (-left, left + width - columns * sx, -top, top + height - rows * sy))
