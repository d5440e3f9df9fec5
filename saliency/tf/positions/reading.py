"""Read the grid of positions of a tensor, and arrange the tensor on it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.position_grid import PositionGrid, find_grid
from saliency.tf.positions.intervals import UNIT, Intervals, varying_dims
from saliency.tf.positions.state import Positions, Shape


def read_grid(positions: Positions | None, samples: int, spatial_axes: int, channels_last: bool) -> PositionGrid | None:
    """Return where a tensor holds the grid of the input's positions; None unless this is certain.

    The tensor has one axis of samples and one of channels. Tokens in one row form a grid with several positions on each axis.

    Args:
        positions: of the tensor.
        samples: their number.
        spatial_axes: their number in the input.
        channels_last: which axis of length 1 holds the channels.
    """
    if positions is None or positions.in_pairs or not positions.has_space or 0 in positions.shape:
        return None
    shape = positions.shape
    placed = sorted({dim for one in positions.axes[:-1] if one is not None for dim in varying_dims(one)})
    sample_axis = _sample_axis(positions, samples, placed)
    others = [dim for dim in range(len(shape)) if dim not in (*placed, sample_axis)]
    wide = [dim for dim in others if shape[dim] > 1]
    if sample_axis is None or len(wide) > 1 or not others or not placed:
        return None
    if len(shape) not in (len(placed) + 2, spatial_axes + 2):
        return None
    channel_axis = wide[0] if wide else others[-1] if channels_last else others[0]
    centers = [_centers(one, shape, placed) for one in positions.axes[:-1]]
    inside = np.flatnonzero(np.any([one >= 0 for one in centers], axis=0))
    found = find_grid([one[inside] for one in centers], UNIT)
    if found is None or not _same_samples(positions.axes[-1], shape, placed, sample_axis, inside):
        return None
    space, order = found
    if len(shape) != spatial_axes + 2 and (min(space) < 2 or shape[channel_axis] < 2):
        return None
    total = int(np.prod([shape[dim] for dim in placed]))
    return PositionGrid(shape, sample_axis, channel_axis, tuple(inside[list(order)].tolist()), space, total)


def _sample_axis(positions: Positions, samples: int, placed: list[int]) -> int | None:
    shape, intervals = positions.shape, positions.axes[-1]
    if samples == 1:
        return next((dim for dim in range(min(len(shape), 2)) if shape[dim] == 1 and dim not in placed), None)
    dims = [] if intervals is None else [dim for dim in varying_dims(intervals) if dim not in placed]
    return dims[0] if len(dims) == 1 and shape[dims[0]] == samples else None


def _centers(intervals: Intervals | None, shape: Shape, axes: list[int]) -> npt.NDArray[np.float64]:
    """Return the centers of the intervals on some axes, flattened; -1 for the whole axis."""
    lengths = [shape[axis] for axis in axes]
    if intervals is None:
        return np.full(int(np.prod(lengths)), -1.0)
    line = intervals[tuple(slice(None) if axis in axes else 0 for axis in range(len(shape)))]
    centers = np.where(line == 0, -1.0, (line.real + UNIT - line.imag) / 2)
    return np.broadcast_to(centers, lengths).flatten()


def _same_samples(
    intervals: Intervals | None, shape: Shape, placed: list[int], sample_axis: int, inside: npt.NDArray[np.int64]
) -> bool:
    """Return whether the samples are in order at each position."""
    if intervals is None or shape[sample_axis] == 1:
        return True
    axes = sorted([*placed, sample_axis])
    table = _centers(intervals, shape, axes).reshape([shape[axis] for axis in axes])
    table = np.moveaxis(table, axes.index(sample_axis), 0).reshape(shape[sample_axis], -1)[:, inside]
    return bool((table == table[:, :1]).all() and (np.diff(table[:, 0]) > 0).all())


def arrange(output: Any, grid: PositionGrid, xp: Any) -> Any:
    """Return an output as (N, channels, *space).

    Args:
        output: a tensor or array, with any number of samples.
        grid: the grid of its positions.
        xp: TensorFlow or NumPy.
    """
    order = (grid.sample_axis, grid.channel_axis, *grid.position_axes)
    channels_first = output if order == tuple(range(len(order))) else xp.transpose(output, order)
    if tuple(grid.shape[axis] for axis in grid.position_axes) == grid.space and grid.run is not None:
        return channels_first
    tokens = xp.reshape(channels_first, (-1, grid.shape[grid.channel_axis], grid.total))
    if grid.run is None:
        tokens = tokens[..., list(grid.order)] if xp is np else xp.gather(tokens, grid.order, axis=2)
    else:
        tokens = tokens[..., grid.run]
    return xp.reshape(tokens, (-1, grid.shape[grid.channel_axis], *grid.space))
