"""Intervals of an axis of the input, packed into one number each.

A tensor of the forward pass has one array of intervals for each axis of the input. 0 means the whole axis: no position, as for
a class token or a bias. The arrays are NumPy's: Torch's operators take many times as long on arrays of this size, and even
longer under a dispatch mode.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BITS = 21
UNIT = 2 ** (BITS - 1)
"""An interval's start and the gap behind it are fractions of the axis in units of 1 / UNIT."""

NONE = 2**BITS
"""Larger than any start and gap."""

Packed = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Intervals:
    """The intervals of a tensor's entries on one axis of the input.

    Args:
        values: packed intervals, with length 1 on dimensions on which nothing changes.
        shape: of the tensor.
    """

    values: Packed
    shape: tuple[int, ...]

    def expand(self, shape: Sequence[int]) -> "Intervals":
        """Return the intervals of a tensor to which this one is broadcast."""
        shape = tuple(shape)
        added = len(shape) - self.values.ndim
        values = self.values.reshape((1,) * added + self.values.shape) if added else self.values
        return Intervals(values, shape)

    def varying_dims(self) -> list[int]:
        """Return the dimensions along which intervals change."""
        values = self.values
        return [dim for dim, length in enumerate(values.shape) if length > 1 and _changes(values, dim)]

    def line(self, dim: int) -> Packed:
        """Return the largest number at each place of a dimension."""
        line: Packed = self.values.max(axis=tuple(other for other in range(self.values.ndim) if other != dim))
        return line


def _changes(values: Packed, dim: int) -> bool:
    first = values[(slice(None),) * dim + (slice(0, 1),)]
    return bool((values != first).any())


def partition(length: int, start: int = 0, stop: int = UNIT) -> Packed:
    """Return ``length`` intervals of equal size, one after the other."""
    edges = np.floor(start + (stop - start) * np.arange(length + 1) / length).astype(np.int64)
    return pack(edges[:-1], UNIT - edges[1:])


def along(axis: int, shape: tuple[int, ...]) -> Intervals | None:
    """Return the intervals of a tensor whose entries lie side by side along one axis; None if it has a single one."""
    view = [-1 if dim == axis % len(shape) else 1 for dim in range(len(shape))]
    return Intervals(partition(shape[axis]).reshape(view), shape) if shape[axis] > 1 else None


def pack(start: Packed, gap: Packed) -> Packed:
    """Return intervals from their starts and the gaps behind them."""
    return (start << BITS) + gap


def unpack(values: Packed) -> tuple[Packed, Packed]:
    """Return the starts of intervals and the gaps behind them."""
    return values >> BITS, values & (NONE - 1)


def intersect(first: Packed, second: Packed) -> Packed:
    """Return the narrower of two nested intervals, or the union of two others."""
    if first is second or (first == second).all():
        return first if first.size <= second.size else second
    (start_1, gap_1), (start_2, gap_2) = unpack(first), unpack(second)
    inside_2 = (start_1 >= start_2) & (gap_1 >= gap_2)
    inside_1 = (start_1 <= start_2) & (gap_1 <= gap_2)
    union = pack(np.minimum(start_1, start_2), np.minimum(gap_1, gap_2))
    return np.where(inside_2, first, np.where(inside_1, second, union))


def unite(intervals: Intervals, dims: Collection[int]) -> Intervals | None:
    """Return the unions of intervals along dimensions, which get length 1; None if each is the whole axis.

    Intervals without a position, such as padding, do not count.
    """
    values = intervals.values
    for dim in dims:
        if values.shape[dim] > 1:
            values = _unite(values, dim)
    shape = tuple(1 if dim in dims else length for dim, length in enumerate(intervals.shape))
    return Intervals(values, shape) if values.any() else None


def _unite(values: Packed, dim: int) -> Packed:
    start, gap = unpack(values)
    none = values == 0
    start = np.where(none, NONE, start).min(axis=dim, keepdims=True)
    gap = np.where(none, NONE, gap).min(axis=dim, keepdims=True)
    return np.where(start == NONE, 0, pack(start, gap))


def resample(line: Packed, length: int) -> Packed | None:
    """Return ``length`` intervals of equal size over the range of a line of intervals; None if these are not in order.

    Padding at both ends of the line does not count.
    """
    placed = np.flatnonzero(line)
    if not len(placed):
        return None
    start, gap = unpack(line[placed[0] : placed[-1] + 1])
    if (start[1:] + gap[:-1] < UNIT).any():
        return None
    return partition(length, int(start[0]), UNIT - int(gap[-1]))
