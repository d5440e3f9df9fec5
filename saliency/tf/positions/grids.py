"""The positions of the result of a convolution, a pooling or a resampling: a grid over the same part of the input."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saliency.tf.positions.intervals import Intervals, along, resample, unite, varying_dims
from saliency.tf.positions.sources import Rule, Sources, UnknownShape, number
from saliency.tf.positions.state import Positions, Shape

CONVOLUTIONS = {"Conv2D", "Conv3D", "DepthwiseConv2dNative", "_FusedConv2D", "FusedConv2D"}
TRANSPOSED = {"Conv2DBackpropInput", "Conv3DBackpropInputV2", "DepthwiseConv2dNativeBackpropInput"}
POOLINGS = {"AvgPool", "MaxPool", "AvgPool3D", "MaxPool3D", "MaxPoolV2", "MaxPoolWithArgmax"}
RESIZINGS = {"ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea", "ScaleAndTranslate"}
"""Resizings of a whole image. ``ScaleAndTranslate`` may also cut out a part."""


def lay_grid(op: Any, first: Positions, sources: Sources) -> Positions | None:
    """Return the positions of an image that is computed from another image."""
    spatial = _spatial_dims(op, len(first.shape))
    shape = _shape_after(op, first.shape, spatial, sources)
    channels = [dim for dim in range(1, len(first.shape)) if dim not in spatial]
    axes = [None if one is None else _resampled(unite(one, channels), spatial, first.shape, shape) for one in first.axes]
    if any(one is not None and one.size == 0 for one in axes):
        return None
    keeps, is_dense = _is_one_by_one(op, spatial, sources), op.type in ("Conv2D", "Conv3D")
    return Positions(
        shape,
        tuple(axes),
        attended=first.attended and keeps,
        projections=frozenset({op.name}) if keeps and is_dense else frozenset(),
        whole=first.whole,
    )


def begin_grid(op: Any, count: int, shape: Shape | None) -> Positions | None:
    """Return a grid of its own for the result of a convolution; None for other operations.

    Args:
        op: the operation.
        count: number of the input's spatial axes.
        shape: of its result; None if it is not known.
    """
    if op.type not in CONVOLUTIONS | TRANSPOSED or shape is None or len(shape) > count + 2:
        return None
    dims = _spatial_dims(op, len(shape))
    axes = [*(along(dim, shape) for dim in dims), *[None] * (count - len(dims)), along(0, shape)]
    return Positions(shape, tuple(axes))


def _resampled(intervals: Intervals | None, spatial: Sequence[int], before: Shape, after: Shape) -> Intervals | None:
    """Return the intervals of a new grid over the same part of the input; of size 0 if they are in no order."""
    if intervals is None:
        return None
    varying = varying_dims(intervals)
    moving = [dim for dim in varying if dim in spatial]
    has_gaps = len(varying) == 1 and bool(moving) and not intervals.all()
    if all(before[dim] == after[dim] for dim in moving) and not has_gaps:
        index = tuple(slice(None) if dim in varying else slice(0, 1) for dim in range(intervals.ndim))
        return np.asarray(intervals[index])
    line = resample(intervals.max(tuple(dim for dim in range(intervals.ndim) if dim != moving[0])), after[moving[0]])
    if len(varying) != 1 or line is None:
        return np.zeros(0, complex)
    shape = [1] * len(after)
    shape[moving[0]] = -1
    return line.reshape(shape) if line.any() else None


def _spatial_dims(op: Any, rank: int) -> range:
    return range(2, rank) if _attribute(op, "data_format", b"NHWC").startswith(b"NC") else range(1, rank - 1)


def _attribute(op: Any, name: str, default: Any = None) -> Any:
    try:
        return op.get_attr(name)
    except ValueError:
        return default


def _shape_after(op: Any, before: Shape, spatial: Sequence[int], sources: Sources) -> Shape:
    """Return the shape of the result. The graph holds its lengths unless those of the input are unknown there."""
    static = op.outputs[0].shape
    lengths = [None] * len(before) if static.rank is None else static.as_list()
    after: list[int] = []
    for dim, length in enumerate(lengths):
        if dim == 0 and dim not in spatial:
            after.append(before[0])
        elif length is not None:
            after.append(int(length))
        elif dim in spatial:
            after.append(_length_after(op, before[dim], dim, spatial, sources))
        else:
            raise UnknownShape
    return tuple(after)


def _length_after(op: Any, length: int, dim: int, spatial: Sequence[int], sources: Sources) -> int:
    if op.type in RESIZINGS:
        return int(number(op.inputs[1], sources)[dim - spatial[0]])
    if op.type in TRANSPOSED:
        return int(number(op.inputs[0], sources)[dim])
    stride = int(op.get_attr("strides")[dim])
    window = _window(op, dim, spatial)
    padding = op.get_attr("padding")
    if padding == b"SAME":
        return -(-length // stride)
    if padding == b"EXPLICIT":
        length += sum(op.get_attr("explicit_paddings")[2 * dim : 2 * dim + 2])
    return (length - window) // stride + 1


def _window(op: Any, dim: int, spatial: Sequence[int]) -> int:
    if op.type in POOLINGS:
        return int(op.get_attr("ksize")[dim])
    if op.type not in CONVOLUTIONS or op.inputs[1].shape.rank is None or None in op.inputs[1].shape.as_list():
        raise UnknownShape
    taps, dilation = int(op.inputs[1].shape[dim - spatial[0]]), int(op.get_attr("dilations")[dim])
    return dilation * (taps - 1) + 1


def _is_one_by_one(op: Any, spatial: Sequence[int], sources: Sources) -> bool:
    shape = sources.shape(op.inputs[1]) if op.type in CONVOLUTIONS else None
    return shape is not None and all(length == 1 for length in shape[: len(spatial)])


def _transposed(op: Any, _first: Positions, sources: Sources) -> Positions | None:
    positions = sources.of(op.inputs[2])
    return None if positions is None else lay_grid(op, positions, sources)


def _dilate(op: Any, first: Positions, sources: Sources) -> Positions:
    """Return the positions of an image whose phases are moved to the axis of samples, for a dilated convolution."""
    blocks, pads = number(op.inputs[1], sources), number(op.inputs[2], sources)
    inner = range(1, 1 + len(blocks))
    lengths = [(first.shape[i] + int(sum(pads[i - 1]))) // int(blocks[i - 1]) for i in inner]
    shape = (first.shape[0] * int(np.prod(blocks)), *lengths, *first.shape[1 + len(blocks) :])
    return replace(Positions(shape, tuple(None for _ in first.axes)), whole=first)


def _join_phases(op: Any, first: Positions, sources: Sources) -> Positions | None:
    blocks, crops = number(op.inputs[1], sources), number(op.inputs[2], sources)
    if first.whole is None:
        return None
    inner = range(1, 1 + len(blocks))
    lengths = [first.shape[i] * int(blocks[i - 1]) - int(sum(crops[i - 1])) for i in inner]
    whole = first.whole
    shape = (whole.shape[0], *lengths, *first.shape[1 + len(blocks) :])
    channels = [dim for dim in range(1, len(shape)) if dim not in inner]
    axes = [None if one is None else _resampled(unite(one, channels), inner, whole.shape, shape) for one in whole.axes]
    return None if any(one is not None and one.size == 0 for one in axes) else Positions(shape, tuple(axes))


def _scaled(op: Any, first: Positions, sources: Sources) -> Positions | None:
    """Return the positions of a resized image; None if constants cut out or move a part of it."""
    size, scale, translation = (sources.constant(one) for one in op.inputs[1:4])
    is_cut = scale is not None and not np.allclose(scale, np.divide(size, first.shape[1:3]), rtol=1e-3)
    is_moved = translation is not None and bool(np.any(translation))
    return None if is_cut or is_moved else lay_grid(op, first, sources)


GRIDS: Mapping[str, Rule] = {
    **dict.fromkeys((*CONVOLUTIONS, *POOLINGS, *RESIZINGS), lay_grid),
    **dict.fromkeys(("ExtractImagePatches", "ExtractVolumePatches", "SpaceToDepth", "DepthToSpace", "Dilation2D"), lay_grid),
    **dict.fromkeys(TRANSPOSED, _transposed),
    "ScaleAndTranslate": _scaled,
    "SpaceToBatchND": _dilate,
    "BatchToSpaceND": _join_phases,
}
"""Operations from an image to an image."""
