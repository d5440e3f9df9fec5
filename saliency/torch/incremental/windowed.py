"""Operators that slide a window over a map: of a patch, they make a larger or coarser one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from saliency.torch.incremental.boxes import Geometry
from saliency.torch.incremental.patch import Patch, cut, pasted
from saliency.torch.incremental.step import Step

aten = torch.ops.aten


def convolution(step: Step) -> Patch | None:
    """Convolve patches."""
    x, weight, bias, stride, padding, dilation, transposed, beyond, groups = step.args
    if transposed or not isinstance(x, Patch) or len(step.patches) > 1:
        return None
    geometry = Geometry(_both(weight.shape[2:]), _both(stride), _both(padding), _both(dilation))
    work = weight.numel() / weight.shape[0]
    return _slid(
        step,
        x,
        geometry,
        0.0,
        work,
        lambda part: aten.convolution(part, weight, bias, stride, [0, 0], dilation, False, beyond, groups),
    )


def max_pool(step: Step) -> Patch | None:
    """Take maxima of patches; what lies beyond the map is never one."""
    x, kernel, stride, padding, dilation, ceil = _filled(step.args, (None, None, [], 0, 1, False))
    geometry = Geometry(_both(kernel), _both(stride or kernel), _both(padding), _both(dilation), ceil)
    work = geometry.kernel[0] * geometry.kernel[1]
    return _slid(
        step, x, geometry, -torch.inf, work, lambda part: aten.max_pool2d_with_indices(part, kernel, stride, 0, dilation)[0]
    )


def average_pool(step: Step) -> Patch | None:
    """Take means of patches, where all are of the same number of positions."""
    x, kernel, stride, padding, ceil, with_padding, divisor = _filled(step.args, (None, None, [], 0, False, True, None))
    geometry = Geometry(_both(kernel), _both(stride or kernel), _both(padding), (1, 1), ceil)
    sticks_out = any(
        (n - 1) * s + k > length + 2 * p
        for n, s, k, length, p in zip(
            geometry.over(x.boxes.space), geometry.stride, geometry.kernel, x.boxes.space, geometry.padding, strict=True
        )
    )
    if sticks_out or (any(geometry.padding) and not with_padding and not divisor):
        return None
    work = geometry.kernel[0] * geometry.kernel[1]
    return _slid(step, x, geometry, 0.0, work, lambda part: aten.avg_pool2d(part, kernel, stride, 0, False, True, divisor))


def constant_pad(step: Step) -> Patch | None:
    """Pad maps: patches stay as they are, elsewhere."""
    x, sides = step.args[0], list(step.args[1])
    if len(sides) > 4 or min(sides) < 0:
        return None
    left, _, top, _ = (*sides, 0, 0)[:4]
    return step.patch(x.boxes.moved((top, left), step.clean().shape[2:]), x.values, 0)


def _slid(
    step: Step, x: Patch, geometry: Geometry, fill: float, work: float, apply: Callable[[torch.Tensor], torch.Tensor]
) -> Patch | None:
    """Apply an operator to what the outputs that a patch reaches read; None where that is most of the map."""
    boxes = x.boxes.behind(geometry)
    if not step.fits(boxes):
        return None
    if geometry.reach == geometry.stride == (1, 1) and not any(geometry.padding):
        return step.patch(boxes, apply(x.values), work)
    padded = _padded(step, x, geometry, fill)
    top, left = geometry.padding
    read, inner = boxes.read_by(geometry, padded.shape[2:]), x.boxes.moved((top, left), padded.shape[2:])
    part = pasted(cut(padded, x.rows, read), read, x.values, inner)
    step.cost.call(part[0].numel())
    return step.patch(boxes, apply(part), work)


def _padded(step: Step, x: Patch, geometry: Geometry, fill: float) -> torch.Tensor:
    """Return the clean input in its padding, and in what a last position needs that sticks out."""
    if step.kept.padded is None:
        out = geometry.over(x.boxes.space)
        sides: list[int] = []
        for n, s, reach, length, p in zip(out, geometry.stride, geometry.reach, x.boxes.space, geometry.padding, strict=True):
            sides = [p, max(p, (n - 1) * s + reach - length - p), *sides]  # the last axis first
        padded = pad(x.clean, sides, value=fill) if any(sides) else x.clean
        step.kept.padded = padded.contiguous(memory_format=torch.channels_last)
    return step.kept.padded


def _both(values: Any) -> tuple[int, ...]:
    """Return an option for rows and columns."""
    several = (values,) if isinstance(values, int) else tuple(int(one) for one in values)
    return several * 2 if len(several) == 1 else several


def _filled(args: Sequence[Any], defaults: Sequence[Any]) -> list[Any]:
    return [*args, *defaults[len(args) :]]
