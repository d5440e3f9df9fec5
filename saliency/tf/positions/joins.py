"""The positions of tensors that are joined, and of parts of a tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from saliency.tf.positions.intervals import UNIT, Intervals, expand, reshape
from saliency.tf.positions.sources import Result, Sources, axes_of, number, shape_of
from saliency.tf.positions.state import Positions, Shape


def stack(op: Any, _first: Positions, sources: Sources) -> Positions | None:
    """Return the positions of tensors that are joined along a new axis."""
    axis = op.get_attr("axis") % (len(shape_of(op.inputs[0], sources)) + 1)
    parts = [(shape_of(one, sources), sources.of(one)) for one in op.inputs]
    stretched = [
        (
            (*shape[:axis], 1, *shape[axis:]),
            None if part is None else with_length(part, (*part.shape[:axis], 1, *part.shape[axis:])),
        )
        for shape, part in parts
    ]
    return _joined(stretched, axis)


def concatenate(op: Any, first: Positions, sources: Sources) -> Positions | None:
    """Return the positions of tensors that are joined along an axis."""
    (axis,) = axes_of(op.inputs[-1], len(first.shape), sources)
    return _joined([(shape_of(one, sources), sources.of(one)) for one in op.inputs[:-1]], axis)


def _joined(parts: list[tuple[Shape, Positions | None]], axis: int) -> Positions | None:
    """Return the positions of tensors that are joined along an axis."""
    known = [one for _, one in parts if one is not None]
    total, axes = sum(shape[axis] for shape, _ in parts), []
    for i in range(len(known[0].axes)):
        ones = [None if one is None else one.axes[i] for _, one in parts]
        axes.append(_join_intervals(ones, [shape for shape, _ in parts], axis))
    shape = (*known[0].shape[:axis], total, *known[0].shape[axis + 1 :])
    return Positions(
        shape,
        tuple(axes),
        in_pairs=any(one.in_pairs for one in known),
        attended=all(one.attended for one in known),
        projections=frozenset().union(*(one.projections for one in known)),
    )


def _join_intervals(ones: list[Intervals | None], shapes: list[Shape], axis: int) -> Intervals | None:
    if all(one is None for one in ones):
        return None
    parts = [np.zeros((1,) * len(shape), complex) if one is None else one for one, shape in zip(ones, shapes, strict=True)]
    if all(one.shape[axis] == 1 and _are_same_places(one, parts[0]) for one in parts):
        return parts[0]
    dims = {axis, *(dim for one in parts for dim in range(one.ndim) if one.shape[dim] > 1)}
    return np.concatenate([expand(one, shape, dims) for one, shape in zip(parts, shapes, strict=True)], axis)


def _are_same_places(one: Intervals, other: Intervals) -> bool:
    """Return whether intervals differ by much less than their length, as behind a crop or a padding by one pixel."""
    if one.shape != other.shape or not np.array_equal(one == 0, other == 0):
        return False
    length, change = UNIT - one.real - one.imag, one - other
    return bool((np.maximum(abs(change.real), abs(change.imag)) <= 0.75 * length).all())


def unstack(op: Any, first: Positions, _sources: Sources) -> Result:
    """Return the positions of the parts of length 1 along an axis."""
    axis = op.get_attr("axis") % len(first.shape)
    return [take_part(first, (*[slice(None)] * axis, i)) for i in range(first.shape[axis])]


def split(op: Any, _first: Positions, sources: Sources) -> Result:
    """Return the positions of each part of a tensor."""
    tensor = op.inputs[1 if op.type == "Split" else 0]
    positions = sources.of(tensor)
    if positions is None:
        return None
    (axis,) = axes_of(op.inputs[0 if op.type == "Split" else 2], len(positions.shape), sources)
    length, count = positions.shape[axis], len(op.outputs)
    sizes = [length // count] * count if op.type == "Split" else [int(n) for n in number(op.inputs[1], sources)]
    sizes = [length - sum(sizes) - 1 if size == -1 else size for size in sizes]
    ends = np.cumsum(sizes)
    return [
        take_part(positions, (*[slice(None)] * axis, slice(end - size, end))) for end, size in zip(ends, sizes, strict=True)
    ]


def take_part(first: Positions, index: tuple[Any, ...]) -> Positions:
    """Return the positions of a part of a tensor. The index holds slices, numbers, None and an ellipsis."""
    shape = np.broadcast_to(np.int8(0), first.shape)[index].shape

    def take(intervals: Intervals) -> Intervals:
        part = expand(intervals, first.shape, range(intervals.ndim))[index]
        return np.asarray(part[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in part.strides)])

    return first.map(take, shape)


def with_length(first: Positions, shape: Sequence[int]) -> Positions:
    """Return the positions of a tensor that is reshaped."""
    return first.map(lambda one: reshape(one, first.shape, shape), shape)
