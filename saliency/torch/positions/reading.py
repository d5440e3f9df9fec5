"""Read the grid of positions of a layer's output, and arrange the output on it."""

import numpy as np
import numpy.typing as npt
import torch

from saliency.core.position_grid import PositionGrid, find_grid
from saliency.torch.positions.intervals import UNIT, Intervals, unpack
from saliency.torch.positions.state import Positions


def read_grid(positions: Positions | None, shape: tuple[int, ...], samples: int, spatial_axes: int) -> PositionGrid | None:
    """Return where a tensor holds the grid of the input's positions; None unless this is certain.

    The tensor has one axis of samples and one of channels. Tokens in one row form a grid with several positions on each axis.

    Args:
        positions: of the tensor.
        shape: of the tensor.
        samples: their number.
        spatial_axes: their number in the input.
    """
    if positions is None or positions.in_pairs or not positions.has_space or 0 in shape:
        return None
    placed = sorted({dim for one in positions.axes[:-1] if one is not None for dim in one.varying_dims()})
    sample_axis = _sample_axis(positions, shape, samples, placed)
    if sample_axis is None or sample_axis in placed:
        return None
    others = [dim for dim in range(len(shape)) if dim not in (*placed, sample_axis)]
    wide = [dim for dim in others if shape[dim] > 1]
    if len(wide) > 1 or not others or not placed:
        return None
    channel_axis = wide[0] if wide else others[-1] if others[-1] > placed[-1] else others[0]
    if len(shape) not in (len(placed) + 2, spatial_axes + 2):
        return None
    centers = [_centers(one, shape, placed) for one in positions.axes[:-1]]
    inside = np.flatnonzero(np.any([one >= 0 for one in centers], axis=0))
    found = find_grid([one[inside] for one in centers], UNIT)
    if found is None or not _same_samples(positions.axes[-1], shape, placed, sample_axis, inside):
        return None
    space, order = found
    total = int(np.prod([shape[dim] for dim in placed]))
    if len(shape) != spatial_axes + 2 and (min(space) < 2 or shape[channel_axis] < 2):
        return None
    return PositionGrid(shape, sample_axis, channel_axis, tuple(inside[list(order)].tolist()), space, total)


def arrange(output: torch.Tensor, grid: PositionGrid) -> torch.Tensor:
    """Return an output as (N, channels, *space), a view if possible."""
    tokens = output.permute(grid.sample_axis, *grid.position_axes, grid.channel_axis)
    if tuple(tokens.shape[1:-1]) != grid.space or grid.run is None:
        tokens = tokens.flatten(1, -2)
        tokens = tokens[:, list(grid.order)] if grid.run is None else tokens[:, grid.run]
        tokens = tokens.reshape(len(tokens), *grid.space, tokens.shape[-1])
    return tokens.movedim(-1, 1)


def _sample_axis(positions: Positions, shape: tuple[int, ...], samples: int, placed: list[int]) -> int | None:
    intervals = positions.axes[-1]
    if samples == 1:
        return next((dim for dim in range(min(len(shape), 2)) if shape[dim] == 1 and dim not in placed), None)
    dims = [] if intervals is None else [dim for dim in intervals.varying_dims() if dim not in placed]
    return dims[0] if len(dims) == 1 and shape[dims[0]] == samples else None


def _centers(intervals: Intervals | None, shape: tuple[int, ...], placed: list[int]) -> npt.NDArray[np.float64]:
    """Return the centers of the intervals on the dimensions with positions, flattened; -1 for the whole axis."""
    lengths = [shape[dim] for dim in placed]
    if intervals is None:
        return np.full(int(np.prod(lengths)), -1.0)
    line = intervals.values[tuple([slice(None) if dim in placed else 0 for dim in range(len(shape))])]
    start, gap = unpack(line)
    return np.broadcast_to(np.where(line == 0, -1.0, (start + UNIT - gap) / 2), lengths).flatten()


def _same_samples(
    intervals: Intervals | None, shape: tuple[int, ...], placed: list[int], sample_axis: int, inside: npt.NDArray[np.int64]
) -> bool:
    """Return whether the samples are in order at each position."""
    if intervals is None or shape[sample_axis] == 1:
        return True
    by_sample = _centers(intervals, shape, sorted([*placed, sample_axis]))
    axes = sorted([*placed, sample_axis])
    table = np.moveaxis(by_sample.reshape([shape[dim] for dim in axes]), axes.index(sample_axis), 0)
    table = table.reshape(shape[sample_axis], -1)[:, inside]
    return bool((table == table[:, :1]).all() and (np.diff(table[:, 0]) > 0).all())
