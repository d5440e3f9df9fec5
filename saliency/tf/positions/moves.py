"""The positions of the result of an operation that moves entries."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from saliency.core.numerics.reshape_groups import reshape_groups
from saliency.tf.positions.constants import slice_index
from saliency.tf.positions.intervals import Intervals, resample, reshape, varying_dims
from saliency.tf.positions.joins import concatenate, split, stack, take_part, unstack, with_length
from saliency.tf.positions.sources import Rule, Sources, UnknownShape, axes_of, number
from saliency.tf.positions.state import Positions, Shape


def _reshape(op: Any, first: Positions, sources: Sources) -> Positions:
    """Return the positions of a reshaped tensor. Copies of a row of positions, as of ``repeat``, divide its intervals."""
    shape = _reshaped(op, first, sources)
    moved = first.map(lambda one: reshape(one, first.shape, shape), shape)
    for old, new in reshape_groups(first.shape, shape):
        wide = [dim for dim in old if first.shape[dim] > 1]
        if len(new) == 1 and len(wide) == 2 and wide[1] in first.copies:
            moved = moved.map(_division(first.shape[wide[1]], new[0]))
    return moved


def _reshaped(op: Any, first: Positions, sources: Sources) -> Shape:
    static, entries = op.outputs[0].shape, int(np.prod(first.shape))
    shape = list(static.as_list()) if static.rank is not None and static.as_list().count(None) < 2 else []
    if static.rank is None or static.as_list().count(None) > 1:
        shape = [None if length == -1 else int(length) for length in number(op.inputs[1], sources)]
    if None in shape:
        others = int(np.prod([length for length in shape if length is not None]))
        shape[shape.index(None)] = entries // others if others else 0
    if int(np.prod(shape)) != entries:
        raise UnknownShape
    return tuple(shape)


def _division(copies: int, dim: int) -> Callable[[Intervals], Intervals]:
    def divide(intervals: Intervals) -> Intervals:
        if varying_dims(intervals) != [dim] or intervals.size != intervals.shape[dim] or not intervals.all():
            return intervals
        line = resample(intervals.reshape(-1)[::copies], intervals.size)
        return intervals if line is None else line.reshape(intervals.shape)

    return divide


def _transpose(op: Any, first: Positions, sources: Sources) -> Positions:
    order = axes_of(op.inputs[1], len(first.shape), sources)
    return first.map(lambda one: one.transpose(order), [first.shape[axis] for axis in order])


def _expand_dims(op: Any, first: Positions, sources: Sources) -> Positions:
    (axis,) = axes_of(op.inputs[1], len(first.shape) + 1, sources)
    return with_length(first, [*first.shape[:axis], 1, *first.shape[axis:]])


def _squeeze(op: Any, first: Positions, _sources: Sources) -> Positions:
    rank, dims = len(first.shape), op.get_attr("squeeze_dims")
    removed = {dim % rank for dim in dims} or {dim for dim, length in enumerate(first.shape) if length == 1}
    return with_length(first, [length for dim, length in enumerate(first.shape) if dim not in removed])


def _strided_slice(op: Any, first: Positions, sources: Sources) -> Positions:
    bounds = [number(one, sources) for one in op.inputs[1:]]
    return take_part(first, slice_index(op, bounds))


def _slice(op: Any, first: Positions, sources: Sources) -> Positions:
    begin, sizes = (number(one, sources) for one in op.inputs[1:])
    return take_part(first, tuple(slice(int(at), None if n < 0 else int(at + n)) for at, n in zip(begin, sizes, strict=True)))


def _look_up(op: Any, indices: Positions, _sources: Sources) -> Positions:
    """Return the positions of rows of a table, such as an embedding, which are those of the input's indices."""
    row = op.outputs[0].shape[len(indices.shape) :].as_list()
    if op.get_attr("batch_dims"):
        raise UnknownShape
    return indices.map(lambda one: one.reshape(*one.shape, *(1 for _ in row)), [*indices.shape, *row])


def _gather(op: Any, first: Positions, sources: Sources) -> Positions:
    if op.get_attr("batch_dims"):
        raise UnknownShape
    if sources.of(op.inputs[0]) is None and not axes_of(op.inputs[2], len(op.inputs[0].shape), sources)[0]:
        return _look_up(op, first, sources)
    indices, (axis,) = number(op.inputs[1], sources), axes_of(op.inputs[2], len(first.shape), sources)
    shape = (*first.shape[:axis], *indices.shape, *first.shape[axis + 1 :])
    one_entry = np.zeros((1,) * indices.ndim, np.int64)
    return first.map(lambda one: one.take(one_entry if one.shape[axis] == 1 else indices, axis), shape)


def _pad(op: Any, first: Positions, sources: Sources) -> Positions:
    widths = [(int(before), int(after)) for before, after in number(op.inputs[1], sources)]
    shape = [length + sum(width) for length, width in zip(first.shape, widths, strict=True)]

    def pad(intervals: Intervals) -> Intervals:  # a length of 1 is broadcast
        return np.pad(intervals, [width if intervals.shape[dim] > 1 else (0, 0) for dim, width in enumerate(widths)])

    return first.map(pad, shape)


def _tile(op: Any, first: Positions, sources: Sources) -> Positions:
    times = [int(n) for n in number(op.inputs[1], sources)]
    shape = [length * n for length, n in zip(first.shape, times, strict=True)]
    moved = first.map(lambda one: np.tile(one, [n if one.shape[dim] > 1 else 1 for dim, n in enumerate(times)]), shape)
    copies = (dim for dim, length in enumerate(first.shape) if length == 1 and times[dim] > 1)
    return replace(moved, copies=frozenset(copies))


def _broadcast(op: Any, first: Positions, sources: Sources) -> Positions:
    shape = tuple(int(length) for length in number(op.inputs[1], sources))
    new = len(shape) - len(first.shape)
    moved = first.map(lambda one: one.reshape((1,) * new + one.shape), shape)
    copies = (dim for dim, length in enumerate((1,) * new + first.shape) if length == 1 and shape[dim] > 1)
    return replace(moved, copies=frozenset(copies))


def _reverse(op: Any, first: Positions, sources: Sources) -> Positions:
    axes = axes_of(op.inputs[1], len(first.shape), sources)
    return first.map(lambda one: np.flip(one, axes))


def _roll(op: Any, first: Positions, sources: Sources) -> Positions:
    shift, axes = np.atleast_1d(number(op.inputs[1], sources)), axes_of(op.inputs[2], len(first.shape), sources)
    return first.map(lambda one: np.roll(one, tuple(int(n) for n in shift), axes))


MOVES: Mapping[str, Rule] = {
    "Reshape": _reshape, "Transpose": _transpose, "ExpandDims": _expand_dims, "Squeeze": _squeeze, "Pack": stack,
    "ConcatV2": concatenate, "Unpack": unstack, "Split": split, "SplitV": split, "StridedSlice": _strided_slice,
    "Slice": _slice, "GatherV2": _gather, "ResourceGather": _look_up,
    "Pad": _pad, "PadV2": _pad, "MirrorPad": _pad, "Tile": _tile,
    "BroadcastTo": _broadcast, "ReverseV2": _reverse, "Roll": _roll,
}  # fmt: skip
"""Operations that move entries."""
