"""Read the grid of positions of a layer's output, and arrange the output on it."""

import numpy as np
import torch

from saliency.core import grid_reading
from saliency.core.grid_reading import Centers
from saliency.core.position_grid import PositionGrid
from saliency.torch.positions.intervals import UNIT, Intervals, unpack
from saliency.torch.positions.state import Positions


def read_grid(positions: Positions | None, shape: tuple[int, ...], samples: int) -> PositionGrid | None:
    """Return where a tensor holds the grid of the input's positions; None unless this is certain.

    Args:
        positions: of the tensor.
        shape: of the tensor.
        samples: their number.
    """
    if positions is None or positions.in_pairs or not positions.has_space or 0 in shape:
        return None
    *spatial, of_samples = map(centers_of, positions.axes)
    return grid_reading.read_grid(spatial, of_samples, shape, samples)


def arrange(output: torch.Tensor, grid: PositionGrid) -> torch.Tensor:
    """Return an output as (N, channels, *space), a view if possible."""
    tokens = output.permute(grid.sample_axis, *grid.position_axes, grid.channel_axis)
    if tuple(tokens.shape[1:-1]) != grid.space or grid.run is None:
        tokens = tokens.flatten(1, -2)
        tokens = tokens[:, list(grid.order)] if grid.run is None else tokens[:, grid.run]
        tokens = tokens.reshape(len(tokens), *grid.space, tokens.shape[-1])
    return tokens.movedim(-1, 1)


def centers_of(intervals: Intervals | None) -> Centers | None:
    """Return the centers of intervals, -1 for the whole axis."""
    if intervals is None:
        return None
    start, gap = unpack(intervals.values)
    centers = np.where(intervals.values == 0, -1.0, (start + UNIT - gap) / (2 * UNIT))
    return Centers(centers, intervals.varying_dims())
