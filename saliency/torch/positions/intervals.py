"""Intervals of an axis of the input, packed into one number each.

A tensor of the forward pass has one tensor of intervals for each axis of the input. It has the same shape, with stride 0
along dimensions on which nothing changes. 0 means the whole axis: no position, as for a class token or a bias.
"""

from collections.abc import Collection, Sequence

import torch

UNIT = 2**20
"""An interval's start and the gap behind it are fractions of the axis in units of 1 / UNIT."""

BASE = 2 * UNIT


def partition(length: int, start: int = 0, stop: int = UNIT) -> torch.Tensor:
    """Return ``length`` intervals of equal size, one after the other."""
    edges = start + (stop - start) * torch.arange(length + 1, dtype=torch.float64) / length
    edges = edges.floor()
    return pack(edges[:-1], UNIT - edges[1:])


def pack(start: torch.Tensor, gap: torch.Tensor) -> torch.Tensor:
    """Return intervals from their starts and the gaps behind them."""
    return start * BASE + gap


def unpack(intervals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the starts of intervals and the gaps behind them."""
    start = (intervals / BASE).floor()
    return start, intervals - start * BASE


def strip(intervals: torch.Tensor) -> torch.Tensor:
    """Return the intervals with length 1 on each dimension of stride 0."""
    for dim, stride in enumerate(intervals.stride()):
        if stride == 0 and intervals.shape[dim] > 1:
            intervals = intervals.narrow(dim, 0, 1)
    return intervals


def intersect(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the narrower of two nested intervals, or the union of two others; with length 1 where nothing changes."""
    if first is second:
        return first
    first, second = strip(first), strip(second)
    if first.shape == second.shape and torch.equal(first, second):
        return first
    (start_1, gap_1), (start_2, gap_2) = unpack(first), unpack(second)
    inside_2 = (start_1 >= start_2) & (gap_1 >= gap_2)
    inside_1 = (start_1 <= start_2) & (gap_1 <= gap_2)
    union = pack(torch.minimum(start_1, start_2), torch.minimum(gap_1, gap_2))
    return torch.where(inside_2, first, torch.where(inside_1, second, union))


def unite(intervals: torch.Tensor, dims: Collection[int]) -> torch.Tensor | None:
    """Return the unions of intervals along dimensions, which keep length 1; None if each is the whole axis.

    Intervals without a position, such as padding, do not count.
    """
    for dim in dims:
        if intervals.shape[dim] == 1:
            continue
        if intervals.stride(dim) == 0:
            intervals = intervals.narrow(dim, 0, 1)
            continue
        start, gap = unpack(strip(intervals))
        none = (start + gap) == 0
        start = torch.where(none, BASE, start).amin(dim, keepdim=True)
        gap = torch.where(none, BASE, gap).amin(dim, keepdim=True)
        shape = [*intervals.shape]
        shape[dim] = 1
        intervals = torch.where(start == BASE, 0.0, pack(start, gap)).expand(shape)
    return intervals if bool(strip(intervals).any()) else None


def varying_dims(intervals: torch.Tensor) -> list[int]:
    """Return the dimensions along which intervals change."""
    small = strip(intervals)
    return [dim for dim in range(small.ndim) if small.shape[dim] > 1 and bool((small != small.narrow(dim, 0, 1)).any())]


def resample(line: torch.Tensor, length: int) -> torch.Tensor | None:
    """Return ``length`` intervals of equal size over the range of a line of intervals; None if these are not in order.

    Padding at both ends of the line does not count.
    """
    placed = line.nonzero().flatten()
    if not len(placed):
        return None
    line = line[int(placed[0]) : int(placed[-1]) + 1]
    start, gap = unpack(line)
    if bool((start[1:] + gap[:-1] < UNIT).any()):
        return None
    return partition(length, int(start[0]), UNIT - int(gap[-1]))


def reshape(intervals: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Reshape intervals; the last dimension keeps stride 0 if it does not change."""
    if len(shape) > 1 and intervals.ndim > 1 and shape[-1] == intervals.shape[-1] and intervals.stride(-1) == 0:
        return reshape(intervals.select(-1, 0), shape[:-1]).unsqueeze(-1).expand(tuple(shape))
    return intervals.reshape(tuple(shape))
