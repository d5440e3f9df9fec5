"""Reshape the intervals of a tensor, with length 1 on dimensions on which nothing changes."""

from functools import lru_cache

import numpy as np

from saliency.core.numerics.reshape_groups import reshape_groups
from saliency.torch.positions.intervals import Intervals

Shape = tuple[int, ...]


def reshape(intervals: Intervals, shape: Shape) -> Intervals:
    """Return the intervals of a reshaped tensor."""
    wide, final = _plan(intervals.shape, intervals.values.shape, shape)
    values = intervals.values
    return Intervals((values if wide == values.shape else np.broadcast_to(values, wide)).reshape(final), shape)


@lru_cache(maxsize=4096)
def _plan(before: Shape, values: Shape, after: Shape) -> tuple[Shape, Shape]:
    """Return the shape to which the values must be broadcast, and then reshaped.

    Args:
        before: the tensor's shape.
        values: the shape of its values.
        after: the shape of the reshaped tensor.
    """
    if 0 in before:
        return values, (1,) * len(after)
    wide: list[int] = []
    final: list[int] = []
    for old, new in reshape_groups(before, after):
        if all(values[dim] == 1 for dim in old):
            wide += [1] * len(old)
            final += [1] * len(new)
        else:
            wide += [before[dim] for dim in old]
            final += [after[dim] for dim in new]
    return tuple(wide), tuple(final)
