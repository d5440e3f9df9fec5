"""Rules for operations that slide over a map: convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from saliency.core.incremental.sliding_geometry import SlidingGeometry
from saliency.tf.incremental.patch import Patch
from saliency.tf.incremental.patch_call import PatchCall


def convolution(call: PatchCall) -> Patch | None:
    """Convolve patches, also with one filter for each channel."""
    x, kernel = call.only_patch, call.inputs[1]
    if x is None or not kernel.shape.is_fully_defined():
        return None
    geometry, depthwise = _geometry(call, x, kernel.shape[:2]), call.op.type == "DepthwiseConv2dNative"
    apply = tf.raw_ops.DepthwiseConv2dNative if depthwise else tf.raw_ops.Conv2D
    work = float(np.prod(kernel.shape[:2] if depthwise else kernel.shape[:3]))
    strides, dilations = (1, *geometry.stride, 1), (1, *geometry.dilation, 1)
    return _slide(
        call,
        x,
        geometry,
        0.0,
        work,
        lambda part: apply(input=part, filter=kernel, strides=strides, dilations=dilations, padding="VALID"),
    )


def max_pool(call: PatchCall) -> Patch | None:
    """Pool the maxima of patches; padding is never a maximum."""
    x = call.only_patch
    if x is None:
        return None
    kernel = _spatial(call, x, "ksize")
    geometry = _geometry(call, x, kernel)
    ksize, strides = (1, *kernel, 1), (1, *geometry.stride, 1)
    lowest = float(x.values.dtype.min) if x.values.dtype.is_integer else -np.inf
    return _slide(
        call,
        x,
        geometry,
        lowest,
        float(np.prod(kernel)),
        lambda part: tf.raw_ops.MaxPool(input=part, ksize=ksize, strides=strides, padding="VALID"),
    )


def average_pool(call: PatchCall) -> Patch | None:
    """Pool the means of patches; None with padding, of which a mean contains nothing."""
    x = call.only_patch
    if x is None:
        return None
    kernel = _spatial(call, x, "ksize")
    geometry = _geometry(call, x, kernel)
    if any(geometry.padding) or any(geometry.padding_after or ()):
        return None
    ksize, strides = (1, *kernel, 1), (1, *geometry.stride, 1)
    return _slide(
        call,
        x,
        geometry,
        0.0,
        float(np.prod(kernel)),
        lambda part: tf.raw_ops.AvgPool(value=part, ksize=ksize, strides=strides, padding="VALID"),
    )


def _slide(
    call: PatchCall, x: Patch, geometry: SlidingGeometry, fill: float, work: float, apply: Callable[[Any], Any]
) -> Patch | None:
    """Apply an operation to the inputs of the outputs that a patch affects; None if these are most of the map."""
    boxes = x.boxes.affected_outputs(geometry)
    if not call.is_worthwhile(boxes):
        return None
    after = geometry.padding_after or geometry.padding
    padding = tuple(zip(geometry.padding, after, strict=True))
    padded_size = [length + sum(sides) for length, sides in zip(x.boxes.map_size, padding, strict=True)]
    part = call.values_in(x, boxes.required_inputs(geometry, padded_size), padding=padding, fill=fill)
    return call.make_patch(boxes, apply(part), work)


def _geometry(call: PatchCall, x: Patch, kernel: Sequence[int]) -> SlidingGeometry:
    """Return how an operation slides over the maps of a patch."""
    size, stride = tuple(int(length) for length in kernel), _spatial(call, x, "strides")
    dilation = _spatial(call, x, "dilations") if "dilations" in call.op.node_def.attr else (1, 1)
    padding = call.op.get_attr("padding").decode()
    if padding == "EXPLICIT":
        sides = list(call.op.get_attr("explicit_paddings"))
        pairs = [tuple(sides[2 * axis : 2 * axis + 2]) for axis in _spatial_axes(x)]
    elif padding == "SAME":
        extents = SlidingGeometry(size, stride, (0, 0), dilation).kernel_extent
        pairs = [_same_padding(*one) for one in zip(x.boxes.map_size, extents, stride, strict=True)]
    else:
        pairs = [(0, 0), (0, 0)]
    before, after = zip(*pairs, strict=True)
    return SlidingGeometry(size, stride, before, dilation, padding_after=after)


def _same_padding(length: int, extent: int, stride: int) -> tuple[int, int]:
    """Return the padding in front of and behind a map of which every stride-th position has an output."""
    total = max((-(-length // stride) - 1) * stride + extent - length, 0)
    return total // 2, total - total // 2


def _spatial(call: PatchCall, x: Patch, attribute: str) -> tuple[int, ...]:
    """Return an attribute of four axes for rows and columns."""
    values = call.op.get_attr(attribute)
    return tuple(int(values[axis]) for axis in _spatial_axes(x))


def _spatial_axes(x: Patch) -> tuple[int, int]:
    return (2, 3) if x.channels_first else (1, 2)
