"""Intervals of an axis of the input, one complex number each: the start, and the gap behind the end as imaginary part.

0 means the whole axis: no position, as for a class token or a bias. An array of intervals has length 1 on each dimension of
its tensor on which nothing changes.
"""

from collections.abc import Collection, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.reshape_groups import reshape_groups

Intervals: TypeAlias = npt.NDArray[np.complex128]

UNIT = 2.0**20
"""A start and a gap are fractions of the axis in units of 1 / UNIT."""


def partition(length: int, start: float = 0, stop: float = UNIT) -> Intervals:
    """Return ``length`` intervals of equal size, one after the other."""
    edges = np.floor(start + (stop - start) * np.arange(length + 1) / length)
    return np.asarray(edges[:-1] + 1j * (UNIT - edges[1:]))


def along(axis: int, shape: Sequence[int]) -> Intervals | None:
    """Return the intervals of a tensor whose entries lie side by side along one axis; None if it has a single one."""
    view = [1] * len(shape)
    view[axis] = -1
    return partition(shape[axis]).reshape(view) if shape[axis] > 1 else None


def intersect(first: Intervals, second: Intervals) -> Intervals:
    """Return the narrower of two nested intervals, or the union of two others."""
    inside_2 = (first.real >= second.real) & (first.imag >= second.imag)
    inside_1 = (first.real <= second.real) & (first.imag <= second.imag)
    union = np.minimum(first.real, second.real) + 1j * np.minimum(first.imag, second.imag)
    return np.where(inside_2, first, np.where(inside_1, second, union))


def unite(intervals: Intervals, dims: Collection[int]) -> Intervals | None:
    """Return the unions of intervals along dimensions, which keep length 1; None if each is the whole axis.

    Intervals without a position, such as padding, do not count.
    """
    along = tuple(dim for dim in dims if intervals.shape[dim] > 1)
    if along:
        placed = np.where(intervals == 0, complex(np.inf, np.inf), intervals)
        start, gap = placed.real.min(along, keepdims=True), placed.imag.min(along, keepdims=True)
        none = np.isinf(start)
        intervals = np.where(none, 0, start) + 1j * np.where(none, 0, gap)
    return intervals if intervals.any() else None


def varying_dims(intervals: Intervals) -> list[int]:
    """Return the dimensions along which intervals change."""
    return [
        dim for dim, length in enumerate(intervals.shape) if length > 1 and bool((intervals != intervals.take([0], dim)).any())
    ]


def resample(line: Intervals, length: int) -> Intervals | None:
    """Return ``length`` intervals of equal size over the range of a line of intervals; None if these are not in order.

    Padding at both ends of the line does not count.
    """
    placed = np.flatnonzero(line)
    if not len(placed):
        return None
    line = line[placed[0] : placed[-1] + 1]
    if bool((line.real[1:] + line.imag[:-1] < UNIT).any()):
        return None
    return partition(length, float(line.real[0]), UNIT - float(line.imag[-1]))


def expand(intervals: Intervals, shape: Sequence[int], dims: Collection[int]) -> Intervals:
    """Return intervals with the tensor's length on some dimensions."""
    lengths = [shape[dim] if dim in dims else length for dim, length in enumerate(intervals.shape)]
    return np.broadcast_to(intervals, lengths)


def reshape(intervals: Intervals, before: Sequence[int], after: Sequence[int]) -> Intervals:
    """Return the intervals of a tensor that is reshaped; dimensions on which nothing changes keep length 1."""
    shape: list[int] = []
    dims: list[int] = []
    for old, new in reshape_groups(before, after):
        if all(intervals.shape[dim] == 1 for dim in old):
            shape += [1] * len(new)
        else:
            dims += [*old]
            shape += [after[dim] for dim in new]
    return np.asarray(expand(intervals, before, dims).reshape(shape))
