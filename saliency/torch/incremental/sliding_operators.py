"""Rules for operators that slide over a map: convolution, pooling and padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from saliency.core.incremental.sliding_geometry import SlidingGeometry
from saliency.torch.incremental.cost import CALL_COST
from saliency.torch.incremental.operator_call import OperatorCall
from saliency.torch.incremental.patch import Patch, gather, paste

aten = torch.ops.aten


def convolution(call: OperatorCall) -> Patch | None:
    """Convolve patches."""
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups = call.args
    if transposed or not isinstance(x, Patch) or len(call.patches) > 1:
        return None
    geometry = SlidingGeometry(_as_pair(weight.shape[2:]), _as_pair(stride), _as_pair(padding), _as_pair(dilation))
    work = weight.numel() / weight.shape[0]
    return _slide(
        call,
        x,
        geometry,
        0.0,
        work,
        lambda part: aten.convolution(part, weight, bias, stride, [0, 0], dilation, False, output_padding, groups),
    )


def max_pool(call: OperatorCall) -> Patch | None:
    """Pool the maxima of patches; padding is never a maximum."""
    x, kernel, stride, padding, dilation, ceil_mode = _with_defaults(call.args, (None, None, [], 0, 1, False))
    geometry = SlidingGeometry(_as_pair(kernel), _as_pair(stride or kernel), _as_pair(padding), _as_pair(dilation), ceil_mode)
    work = geometry.kernel[0] * geometry.kernel[1]
    return _slide(
        call, x, geometry, -torch.inf, work, lambda part: aten.max_pool2d_with_indices(part, kernel, stride, 0, dilation)[0]
    )


def average_pool(call: OperatorCall) -> Patch | None:
    """Pool the means of patches; None unless all means have the same number of positions."""
    x, kernel, stride, padding, ceil_mode, count_padding, divisor = _with_defaults(
        call.args, (None, None, [], 0, False, True, None)
    )
    geometry = SlidingGeometry(_as_pair(kernel), _as_pair(stride or kernel), _as_pair(padding), (1, 1), ceil_mode)
    if _exceeds_padding(geometry, x.boxes.map_size) or (any(geometry.padding) and not count_padding and not divisor):
        return None
    work = geometry.kernel[0] * geometry.kernel[1]
    return _slide(call, x, geometry, 0.0, work, lambda part: aten.avg_pool2d(part, kernel, stride, 0, False, True, divisor))


def constant_pad(call: OperatorCall) -> Patch | None:
    """Pad maps by a constant: the values of a patch stay the same, and its boxes shift."""
    x, sides = call.args[0], list(call.args[1])
    if len(sides) > 4 or min(sides) < 0:
        return None
    left, _, top, _ = (*sides, 0, 0)[:4]
    return call.make_patch(x.boxes.shifted((top, left), call.clean_output().shape[2:]), x.values, 0)


def _slide(
    call: OperatorCall,
    x: Patch,
    geometry: SlidingGeometry,
    padding_value: float,
    work: float,
    apply: Callable[[torch.Tensor], torch.Tensor],
) -> Patch | None:
    """Apply an operator to the inputs of the outputs that a patch affects; None if these are most of the map."""
    boxes = x.boxes.affected_outputs(geometry)
    if not call.is_worthwhile(boxes):
        return None
    if geometry.kernel_extent == geometry.stride == (1, 1) and not any(geometry.padding):
        return call.make_patch(boxes, apply(x.values), work)
    padded = _padded_clean_input(call, x, geometry, padding_value)
    padded_size = padded.shape[2:]
    required, changed = boxes.required_inputs(geometry, padded_size), x.boxes.shifted(geometry.padding, padded_size)
    part = paste(x.values, changed, gather(padded, x.indices, required), required)
    call.cost.add_call(CALL_COST, part[0].numel())
    return call.make_patch(boxes, apply(part), work)


def _padded_clean_input(call: OperatorCall, x: Patch, geometry: SlidingGeometry, padding_value: float) -> torch.Tensor:
    """Return the clean input with its padding, and with further rows and columns that ``ceil_mode`` reads."""
    if call.cached.padded_input is None:
        size = x.boxes.map_size
        sides: list[int] = []
        for n, s, extent, length, p in zip(
            geometry.output_size(size), geometry.stride, geometry.kernel_extent, size, geometry.padding, strict=True
        ):
            sides = [p, max(p, (n - 1) * s + extent - length - p), *sides]  # the last axis first
        padded = pad(x.clean, sides, value=padding_value) if any(sides) else x.clean
        call.cached.padded_input = padded.contiguous(memory_format=torch.channels_last)
    return call.cached.padded_input


def _exceeds_padding(geometry: SlidingGeometry, size: Sequence[int]) -> bool:
    """Return whether ``ceil_mode`` makes the last output read beyond the padding."""
    outputs = geometry.output_size(size)
    return any(
        (n - 1) * s + k > length + 2 * p
        for n, s, k, length, p in zip(outputs, geometry.stride, geometry.kernel, size, geometry.padding, strict=True)
    )


def _as_pair(values: Any) -> tuple[int, ...]:
    """Return an option of an operator for rows and columns."""
    several = (values,) if isinstance(values, int) else tuple(int(one) for one in values)
    return several * 2 if len(several) == 1 else several


def _with_defaults(args: Sequence[Any], defaults: Sequence[Any]) -> list[Any]:
    return [*args, *defaults[len(args) :]]
