"""The positions of the result of an operator that moves entries."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from saliency.torch.positions.intervals import Intervals, Packed
from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.reshaping import Shape, reshape
from saliency.torch.positions.state import Positions, join_projections

RESHAPES = {
    "view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy", "unsqueeze", "squeeze",
}  # fmt: skip

Rearrangement: TypeAlias = Callable[[Intervals, Sequence[Any], Shape], Intervals]
"""A function from intervals, the operator's further arguments and the result's shape to the result's intervals."""


def move(call: OperatorCall) -> Any:
    """Return the positions of an operator's result, or a list of them for several results."""
    tensors = [one for arg in call.args for one in (arg if isinstance(arg, list | tuple) else [arg])]
    known = [one for one in map(call.of, tensors) if one is not None]
    if not known:
        return None
    whole = Positions((), any(one.in_pairs for one in known), known[0].attended, join_projections(known))
    rearrange = None if call.kwargs or call.first is None else REARRANGEMENTS.get(call.name)
    if rearrange is not None and isinstance(call.result, torch.Tensor):
        shape, rest = tuple(call.result.shape), call.args[1:]
        return whole.with_axes(tuple([None if one is None else rearrange(one, rest, shape) for one in known[0].axes]))
    columns = [_move_axis(call, known, axis) for axis in range(len(known[0].axes))]
    if isinstance(call.result, list | tuple):
        return [whole.with_axes(axes) for axes in zip(*columns, strict=True)]
    return whole.with_axes(tuple(columns))


def _move_axis(call: OperatorCall, known: Sequence[Positions], axis: int) -> Any:
    """Return the result's intervals on one axis of the input, or a list of them for several results."""
    results = call.result if isinstance(call.result, list | tuple) else [call.result]
    if all(one.axes[axis] is None for one in known):
        moved: list[Intervals | None] = [None] * len(results)
    elif call.name == "cat":
        dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", 0)
        moved = [_concatenate([_intervals(one, call, axis) for one in call.args[0]], dim, tuple(results[0].shape))]
    elif call.name in ("split", "split_with_sizes", "unbind") and not call.kwargs:
        moved = _split(call, _intervals(call.args[0], call, axis), [tuple(one.shape) for one in results])
    else:
        moved = _run_operator(call, axis)
    return moved if isinstance(call.result, list | tuple) else moved[0]


def _intervals(tensor: torch.Tensor, call: OperatorCall, axis: int) -> Intervals:
    """Return the intervals of a tensor, those of the whole axis if it has no positions."""
    positions = call.of(tensor)
    found = None if positions is None else positions.axes[axis]
    return Intervals(np.zeros((1,) * tensor.ndim, np.int64), tuple(tensor.shape)) if found is None else found


def _run_operator(call: OperatorCall, axis: int) -> list[Intervals | None]:
    """Move the intervals by the operator itself."""

    def moved(arg: Any) -> Any:
        if isinstance(arg, list | tuple):
            return type(arg)(map(moved, arg))
        if not isinstance(arg, torch.Tensor):
            return arg
        intervals = _intervals(arg, call, axis)
        if not arg.is_floating_point() and not intervals.values.any():
            return arg.cpu()  # an index
        return torch.from_numpy(intervals.values.astype(np.float64)).expand(intervals.shape)  # im2col() needs floats

    results = call.func(*map(moved, call.args), **call.kwargs)
    return [_from_tensor(one) for one in (results if isinstance(results, list | tuple) else [results])]


def _from_tensor(moved: torch.Tensor) -> Intervals:
    """Return moved intervals, with length 1 along dimensions of stride 0."""
    small = moved
    for dim, stride in enumerate(moved.stride()):
        if stride == 0 and moved.shape[dim] > 1:
            small = small.narrow(dim, 0, 1)
    return Intervals(small.numpy().astype(np.int64), tuple(moved.shape))


def _permute(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    return Intervals(intervals.values.transpose(args[0]), shape)


def _transpose(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    values = intervals.values
    return Intervals(values.swapaxes(args[0], args[1]) if args else values.T, shape)  # t() has no arguments


def _reshape(intervals: Intervals, _args: Sequence[Any], shape: Shape) -> Intervals:
    return reshape(intervals, shape)


def _expand(intervals: Intervals, _args: Sequence[Any], shape: Shape) -> Intervals:
    return intervals.expand(shape)


def _select(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    dim, index = args
    values = intervals.values
    start = index % values.shape[dim]  # 0 where nothing changes
    return Intervals(values[(slice(None),) * (dim % values.ndim) + (slice(start, start + 1),)].squeeze(dim), shape)


def take_range(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    """Take a range of a dimension; the arguments are the dimension, start, stop and step."""
    defaults: tuple[Any, ...] = (0, None, None, 1)
    dim, start, stop, step = tuple(args) + defaults[len(args) :]
    values = intervals.values
    if values.shape[dim] > 1:
        values = values[(slice(None),) * (dim % values.ndim) + (slice(start, stop, step),)]
    return Intervals(values, shape)


def _roll(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    if len(args) < 2 or not args[1]:  # all entries as one row
        return Intervals(np.roll(np.broadcast_to(intervals.values, intervals.shape), args[0]), shape)
    return Intervals(np.roll(intervals.values, tuple(args[0]), tuple(args[1])), shape)


def _flip(intervals: Intervals, args: Sequence[Any], shape: Shape) -> Intervals:
    return Intervals(np.flip(intervals.values, tuple(args[0])).copy(), shape)


REARRANGEMENTS: dict[str, Rearrangement] = {
    "permute": _permute,
    "transpose": _transpose,
    "t": _transpose,
    "expand": _expand,
    "select": _select,
    "slice": take_range,
    "roll": _roll,
    "flip": _flip,
    **dict.fromkeys(RESHAPES, _reshape),
}
"""By the name of an operator with one tensor and one result."""


def pad(intervals: Intervals, widths: Sequence[int], shape: Shape) -> Intervals:
    """Pad intervals by entries without a position; ``widths`` start at the last dimension.

    Dimensions on which nothing changes are not padded. The rows of an image are still rows beside its last column.
    """
    varying = intervals.varying_dims()
    values = intervals.values[tuple([slice(None if dim in varying else 1) for dim in range(intervals.values.ndim)])]
    for i in range(0, len(widths), 2):
        dim, before, after = -1 - i // 2, widths[i], widths[i + 1]
        if values.shape[dim] > 1:  # a length of 1 is broadcast
            values = _pad_dim(values, dim, before, after)
    return Intervals(values, shape)


def _pad_dim(values: Packed, dim: int, before: int, after: int) -> Packed:
    """Pad, or crop by negative widths."""
    length = values.shape[dim]
    values = values.take(range(max(0, -before), length - max(0, -after)), axis=dim)
    widths = [(0, 0)] * values.ndim
    widths[dim] = max(0, before), max(0, after)
    return np.pad(values, widths)


def _split(call: OperatorCall, intervals: Intervals, shapes: Sequence[Shape]) -> list[Intervals | None]:
    """Split intervals among results of the given shapes."""
    dim = call.args[-1] if len(call.args) == (2 if call.name == "unbind" else 3) else 0
    if call.name == "unbind":
        return [_select(intervals, (dim, i), shape) for i, shape in enumerate(shapes)]
    found: list[Intervals | None] = []
    start = 0
    for shape in shapes:
        found.append(take_range(intervals, (dim, start, start + shape[dim]), shape))
        start += shape[dim]
    return found


def _concatenate(parts: Sequence[Intervals], dim: int, shape: Shape) -> Intervals:
    """Concatenate intervals, with length 1 on dimensions on which nothing changes."""
    parts = [one for one in parts if 0 not in one.shape]
    dim %= len(shape)
    heads = [one.values for one in parts]
    if all(one.shape[dim] == 1 and np.array_equal(one, heads[0]) for one in heads):
        return Intervals(heads[0], shape)
    lengths = [max(one.shape[other] for one in heads) for other in range(len(shape))]
    full = [np.broadcast_to(one.values, [*lengths[:dim], one.shape[dim], *lengths[dim + 1 :]]) for one in parts]
    return Intervals(np.concatenate(full, dim), shape)
