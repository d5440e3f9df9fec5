"""Where a layer's output holds the grid of positions on the input's spatial axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class PositionGrid:
    """The place of a grid of positions in a layer's output.

    Args:
        shape: the output's shape.
        sample_axis: the axis of the samples.
        channel_axis: the axis of the channels.
        order: index of the grid's positions, row by row, on the flattened remaining axes.
        space: lengths of the grid on the input's spatial axes.
        total: number of positions of the remaining axes, with tokens that have no place in the input.
    """

    shape: tuple[int, ...]
    sample_axis: int
    channel_axis: int
    order: tuple[int, ...]
    space: tuple[int, ...]
    total: int

    @property
    def left_out(self) -> int:
        """The number of tokens that do not belong to the grid, such as class tokens."""
        return self.total - len(self.order)

    @property
    def run(self) -> slice | None:
        """The positions as one slice of the flattened axes, or None if they are scattered."""
        first = self.order[0]
        return slice(first, first + len(self.order)) if self.order == tuple(range(first, first + len(self.order))) else None

    @property
    def position_axes(self) -> tuple[int, ...]:
        """The axes other than those of samples and channels."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in (self.sample_axis, self.channel_axis))

    def fits(self, shape: Sequence[int]) -> bool:
        """Return whether an output of this shape, with any number of samples, has this grid."""
        axis = self.sample_axis
        return len(shape) == len(self.shape) and (*shape[:axis], *shape[axis + 1 :]) == (
            *self.shape[:axis],
            *self.shape[axis + 1 :],
        )


def find_grid(centers: Sequence[npt.NDArray[np.float64]]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return how positions form a grid.

    Args:
        centers: the positions' coordinates as fractions of the input, an array for each spatial axis.

    Returns:
        The grid's lengths, and the index of its positions row by row; None unless each place of a grid is taken once, and the
        grid covers the input up to one position at each end. A map of a part, such as a crop, must not be drawn over it all.
    """
    lines = [np.unique(one, return_inverse=True) for one in centers]
    space = tuple(len(line) for line, _ in lines)
    count = len(centers[0])
    if math.prod(space) != count or count < 2 or not all(_covers(places) for places, _ in lines):
        return None
    places = np.ravel_multi_index(tuple(inverse for _, inverse in lines), space)
    order = np.argsort(places)
    return (space, tuple(order.tolist())) if np.array_equal(places[order], np.arange(count)) else None


def _covers(places: npt.NDArray[np.float64]) -> bool:
    """Return whether places of equal distance cover an axis up to less than one place at each end.

    Patches without padding leave out such a rest. One place may have no coordinate (-1), if it covers both ends of a rolled
    axis: then the others leave room for it. Otherwise it is padding, which is no place of the input.
    """
    if len(places) == 1:
        return bool(places[0] < 0 or abs(places[0] - 0.5) <= 0.25)
    known = places[places >= 0]
    distance = (known[-1] - known[0]) / max(1, len(known) - 1)
    is_rolled = len(known) < len(places)
    if is_rolled and len(known) * distance > 1 - distance / 2:
        return False
    most = (1.5 if is_rolled else 1.45) * distance  # at 1.5, a whole place is missing
    return bool(known[0] <= most and 1 - known[-1] <= most)
