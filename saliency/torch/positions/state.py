"""The positions of one tensor of a forward pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from saliency.core.keras.layers import is_keras
from saliency.torch.positions.intervals import Intervals, intersect, unite

Axes: TypeAlias = tuple[Intervals | None, ...]
"""The intervals of each spatial axis of the input, then those of the samples; None where a tensor has none."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the entries of a tensor lie in the input.

    Args:
        axes: for each axis of the input, intervals of the tensor's entries.
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

    def varies_along(self, dim: int) -> bool:
        """Return whether places in the input change along a dimension."""
        return any(dim % len(one.shape) in one.varying_dims() for one in self.axes[:-1] if one is not None)

    def with_axes(self, axes: Axes) -> "Positions":
        """Return the same positions with other intervals."""
        return Positions(axes, self.in_pairs, self.attended, self.projections)

    def map(self, function: Callable[[Intervals], Intervals | None]) -> "Positions":
        """Apply a function to the intervals of each axis."""
        return self.with_axes(tuple([None if one is None else function(one) for one in self.axes]))

    def expand(self, shape: Sequence[int]) -> "Positions":
        """Return the positions of a tensor of another shape, to which this one is broadcast."""
        return self.map(lambda one: one.expand(shape))

    def unite(self, dim: int, shape: Sequence[int]) -> "Positions":
        """Return the positions after a sum over a dimension, which then has the length in ``shape``."""

        def one_axis(intervals: Intervals) -> Intervals | None:
            united = unite(intervals, [dim % len(intervals.shape)])
            return None if united is None else united.expand(shape)

        return self.map(one_axis)


def combine(parts: Sequence[Positions], shape: tuple[int, ...]) -> Positions:
    """Return the positions of an element-wise function of several tensors, broadcast to a shape."""
    if len(parts) == 1:
        return parts[0] if all(one is None or one.shape == shape for one in parts[0].axes) else parts[0].expand(shape)
    spatial = [part for part in parts if part.has_space]
    is_sum = len(spatial) > 1 and not all(part.projections for part in spatial)
    return Positions(
        tuple([_merge(ones, shape) for ones in zip(*(part.axes for part in parts), strict=True)]),
        any(part.in_pairs for part in parts),
        all(part.attended for part in spatial) and bool(spatial),
        () if is_sum else join_projections(spatial),
    )


def _merge(ones: Sequence[Intervals | None], shape: tuple[int, ...]) -> Intervals | None:
    """Return the narrowest intervals of several tensors, broadcast to a shape."""
    known = [one for one in ones if one is not None]
    if not known:
        return None
    values = known[0].values
    for one in known[1:]:
        values = intersect(values, one.values)
    return Intervals(values, known[0].shape).expand(shape)


def join_projections(parts: Sequence[Positions]) -> tuple[torch.nn.Module, ...]:
    """Return the linear layers of several tensors, each once."""
    return tuple({module: None for part in parts for module in part.projections})


def is_projection(module: torch.nn.Module) -> bool:
    """Return whether a layer maps the channels of each position linearly."""
    is_linear = isinstance(module, torch.nn.Linear)
    if is_keras(module):  # its layers include an activation
        is_linear = type(module).__name__ in ("Dense", "EinsumDense")
        if getattr(getattr(module, "activation", None), "__name__", "linear") != "linear":
            return False
    return is_linear or getattr(module, "kernel_size", None) in ((1,), (1, 1), (1, 1, 1))


def begins_projection(module: torch.nn.Module) -> bool:
    """Return whether a layer may be the first one of a projection: a projection, or a convolution of each channel alone."""
    channels = getattr(module, "in_channels", 0)
    return is_projection(module) or (channels > 1 and channels == getattr(module, "groups", 1))
