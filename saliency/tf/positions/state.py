"""The positions of one tensor of a graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from saliency.tf.positions.intervals import Intervals, intersect, unite

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the entries of a tensor lie in the input.

    Args:
        shape: of the tensor.
        axes: for each spatial axis of the input, and for the samples, the intervals of the entries; None for no position.
        in_pairs: each entry belongs to two positions, as in a matrix of attention.
        attended: a result of attention to which the block's input has not been added yet.
        projections: names of the products with weights that this is the output of, without another sum of channels.
        copies: dimensions along which all entries are the same.
        whole: the positions before a dilation moved a part of the space to the axis of samples, None for other tensors.
    """

    shape: Shape
    axes: tuple[Intervals | None, ...]
    in_pairs: bool = False
    attended: bool = False
    projections: frozenset[str] = frozenset()
    copies: frozenset[int] = frozenset()
    whole: "Positions | None" = None

    @property
    def has_space(self) -> bool:
        """Whether any entry has a position on a spatial axis."""
        return any(one is not None for one in self.axes[:-1])

    def map(self, function: Callable[[Intervals], Intervals | None], shape: Sequence[int] | None = None) -> "Positions":
        """Apply a function to the intervals of each axis; the result has a new shape."""
        axes = tuple(None if one is None else function(one) for one in self.axes)
        return replace(self, axes=axes, shape=self.shape if shape is None else tuple(shape), copies=frozenset())

    def unite(self, *dims: int) -> "Positions":
        """Return the positions after a sum over dimensions, which keep length 1."""
        shape = tuple(1 if dim in dims else length for dim, length in enumerate(self.shape))
        return self.map(lambda one: unite(one, dims), shape)


def combine(parts: Sequence[Positions], shape: Shape) -> Positions:
    """Return the positions of an element-wise function of several tensors, broadcast to a shape."""
    axes: list[Intervals | None] = []
    for ones in zip(*(part.axes for part in parts), strict=True):
        known = [_with_rank(one, len(shape)) for one in ones if one is not None]
        merged = known[0] if known else None
        for one in known[1:]:
            merged = one if merged is None or merged is one else intersect(merged, one)
        axes.append(merged)
    spatial = [part for part in parts if part.has_space]
    is_sum = len(spatial) > 1 and not all(part.projections for part in spatial)
    return Positions(
        shape,
        tuple(axes),
        in_pairs=any(part.in_pairs for part in parts),
        attended=bool(spatial) and all(part.attended for part in spatial),
        projections=frozenset() if is_sum else frozenset().union(*(part.projections for part in spatial)),
        whole=parts[0].whole if len(parts) == 1 else None,
    )


def _with_rank(intervals: Intervals, rank: int) -> Intervals:
    return np.reshape(intervals, (1,) * (rank - intervals.ndim) + intervals.shape)
