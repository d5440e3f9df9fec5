"""Read the grid of positions of a tensor, and arrange the tensor on it."""

from typing import Any

import numpy as np

from saliency.core import grid_reading
from saliency.core.grid_reading import Centers
from saliency.core.position_grid import PositionGrid
from saliency.tf.positions.intervals import UNIT, Intervals, varying_dims
from saliency.tf.positions.state import Positions


def read_grid(positions: Positions | None, samples: int) -> PositionGrid | None:
    """Return where a tensor holds the grid of the input's positions; None unless this is certain.

    Args:
        positions: of the tensor.
        samples: their number.
    """
    if positions is None or positions.in_pairs or not positions.has_space or 0 in positions.shape:
        return None
    *spatial, of_samples = map(centers_of, positions.axes)
    return grid_reading.read_grid(spatial, of_samples, positions.shape, samples)


def centers_of(intervals: Intervals | None) -> Centers | None:
    """Return the centers of intervals, -1 for the whole axis."""
    if intervals is None:
        return None
    centers = np.where(intervals == 0, -1.0, (intervals.real + UNIT - intervals.imag) / (2 * UNIT))
    return Centers(centers, varying_dims(intervals))


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
