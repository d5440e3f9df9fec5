"""The positions of the result of a convolution, a pooling or a resampling."""

import re
from collections.abc import Sequence
from typing import Any

import torch

from saliency.torch.positions.intervals import Intervals, along, resample, unite
from saliency.torch.positions.operator_call import OperatorCall
from saliency.torch.positions.state import Positions

Shape = tuple[int, ...]


def lay_grid(call: OperatorCall) -> Positions | None:
    """Return the positions after a convolution, a pooling or a resampling: a grid over the same part of the input."""
    first = call.first
    result = call.result[0] if isinstance(call.result, tuple | list) else call.result
    if first is None:
        return None
    before, after = tuple(call.args[0].shape), tuple(result.shape)
    kernel = _kernel_shape(call.name, call.args)
    count = len(kernel) or _count_spatial_dims(call.name, len(before))
    if len(before) != len(after) or not 1 <= count < len(before):
        return None
    axes = tuple([None if one is None else _lay_axis(one, before, after, count) for one in first.axes])
    return Positions(axes, attended=first.attended and bool(kernel) and all(length == 1 for length in kernel))


def begin_grid(call: OperatorCall, count: int) -> Positions | None:
    """Return a grid of its own for the result of a convolution, (N, channels, *space); None for other operators.

    Args:
        call: the operator's call.
        count: number of the input's spatial axes.
    """
    kernel, result = _kernel_shape(call.name, call.args), call.result
    if not 0 < len(kernel) <= count or not isinstance(result, torch.Tensor) or result.ndim != len(kernel) + 2:
        return None
    dims = [*range(2, result.ndim), *[None] * (count - len(kernel)), 0]
    return Positions(tuple([None if dim is None else along(dim, tuple(result.shape)) for dim in dims]))


def _lay_axis(one: Intervals, before: Shape, after: Shape, count: int) -> Intervals | None:
    """Return the intervals of the result on one axis of the input.

    Raises:
        ValueError: if they are not in order, or run along several dimensions; the result then has no positions.
    """
    lead = len(before) - count
    united = unite(one, [lead - 1])
    if united is None:
        return None
    varying = united.varying_dims()
    moving = [dim for dim in varying if dim >= lead]
    if all(before[dim] == after[dim] for dim in moving) and not (len(varying) == 1 and moving and not united.values.all()):
        return Intervals(united.values[tuple([slice(None if dim in varying else 1) for dim in range(len(before))])], after)
    if len(varying) != 1:
        raise ValueError(f"an axis runs along the dimensions {varying}")
    resampled = resample(united.line(moving[0]), after[moving[0]])
    if resampled is None:
        raise ValueError("the intervals are not in order")
    view = [-1 if dim == moving[0] else 1 for dim in range(len(after))]
    return Intervals(resampled.reshape(view), after) if resampled.any() else None


def _kernel_shape(name: str, args: Sequence[Any]) -> Shape:
    """Return the lengths of a convolution's kernel; empty for other operators."""
    is_convolution = "conv" in name and len(args) > 1 and isinstance(args[1], torch.Tensor)
    return tuple(args[1].shape[2:]) if is_convolution else ()


def _count_spatial_dims(name: str, ndim: int) -> int:
    digits = re.search(r"([123])d", name)
    return int(digits[1]) if digits else ndim - 2
