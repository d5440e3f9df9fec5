"""The positions of one tensor of a forward pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch

from saliency.torch.positions.intervals import intersect, unite

Axes: TypeAlias = tuple[torch.Tensor | None, ...]
"""The intervals of each spatial axis of the input, then those of the samples; None where a tensor has none."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the entries of a tensor lie in the input.

    Args:
        axes: for each axis of the input, intervals of the tensor's shape, see ``intervals``.
        in_pairs: each entry belongs to two positions, as in a matrix of attention.
        attended: a result of attention to which the block's input has not been added yet.
        projections: linear layers, and the layers after them, whose output this is.
    """

    axes: Axes
    in_pairs: bool = False
    attended: bool = False
    projections: tuple[torch.nn.Module, ...] = ()

    @property
    def has_space(self) -> bool:
        """Whether any entry has a position on a spatial axis."""
        return any(one is not None for one in self.axes[:-1])

    def map(self, function: Callable[[torch.Tensor], torch.Tensor | None]) -> "Positions":
        """Apply a function to the intervals of each axis."""
        return replace(self, axes=tuple(None if one is None else function(one) for one in self.axes))

    def expand(self, shape: Sequence[int]) -> "Positions":
        """Return the positions of a tensor of another shape, to which this one is broadcast."""
        return self.map(lambda one: one.expand(tuple(shape)))

    def unite(self, dim: int, shape: Sequence[int]) -> "Positions":
        """Return the positions after a sum over a dimension, which then has the length in ``shape``."""

        def one_axis(intervals: torch.Tensor) -> torch.Tensor | None:
            united = unite(intervals, [dim % intervals.ndim])
            return None if united is None else united.expand(tuple(shape))

        return self.map(one_axis)


def combine(parts: Sequence[Positions], shape: Sequence[int]) -> Positions:
    """Return the positions of an element-wise function of several tensors, broadcast to a shape."""
    if len(parts) == 1:
        return parts[0] if all(one is None or one.shape == tuple(shape) for one in parts[0].axes) else parts[0].expand(shape)
    axes: list[torch.Tensor | None] = []
    for ones in zip(*(part.axes for part in parts), strict=True):
        merged: torch.Tensor | None = None
        for one in ones:
            if one is not None:
                merged = one if merged is None else intersect(merged, one)
        axes.append(None if merged is None else merged.expand(tuple(shape)))
    spatial = [part for part in parts if part.has_space]
    is_sum = len(spatial) > 1 and not all(part.projections for part in spatial)
    return Positions(
        tuple(axes),
        any(part.in_pairs for part in parts),
        all(part.attended for part in spatial) and bool(spatial),
        () if is_sum else tuple({module: None for part in spatial for module in part.projections}),
    )


def is_projection(module: torch.nn.Module) -> bool:
    """Return whether a layer maps the channels of each position linearly."""
    return isinstance(module, torch.nn.Linear) or getattr(module, "kernel_size", None) in ((1,), (1, 1), (1, 1, 1))
