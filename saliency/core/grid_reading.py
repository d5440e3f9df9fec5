"""Read the grid of the input's positions from where the entries of a tensor lie in the input."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saliency.core.position_grid import PositionGrid, find_grid


@dataclass(frozen=True)
class Centers:
    """Where the entries of a tensor lie on one axis of the input.

    Args:
        values: the entries' centers as fractions of the axis, -1 for entries without a position. The array has the tensor's
            rank, and may have length 1 on dimensions along which nothing changes.
        varying: the dimensions along which positions change.
    """

    values: npt.NDArray[np.float64]
    varying: Collection[int]

    def on(self, dims: Sequence[int], shape: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return the centers on some dimensions of a tensor of this shape, at the first place of the others."""
        line = self.values[tuple([slice(None) if dim in dims else 0 for dim in range(len(shape))])]
        return np.broadcast_to(line, [shape[dim] for dim in dims])


@dataclass(frozen=True)
class TensorAxes:
    """The meaning of a tensor's axes.

    Args:
        placed: the axes along which positions change.
        sample: the axis of the samples.
        channel: the axis of the channels.
    """

    placed: list[int]
    sample: int
    channel: int


def read_axes(
    spatial: Sequence[Centers | None], samples: Centers | None, shape: tuple[int, ...], count: int
) -> TensorAxes | None:
    """Return the meaning of a tensor's axes; None unless it holds positions, and a single axis of channels remains.

    Args:
        spatial, samples, shape, count: see ``read_grid``.
    """
    placed = sorted({dim for one in spatial if one is not None for dim in one.varying})
    sample_axis = _sample_axis(samples, shape, count, placed)
    others = [dim for dim in range(len(shape)) if dim not in (*placed, sample_axis)]
    wide = [dim for dim in others if shape[dim] > 1]
    if sample_axis is None or len(wide) > 1 or not others or not placed:
        return None
    channel_axis = wide[0] if wide else others[-1] if others[-1] > placed[-1] else others[0]
    return TensorAxes(placed, sample_axis, channel_axis)


def read_grid(
    spatial: Sequence[Centers | None], samples: Centers | None, shape: tuple[int, ...], count: int
) -> PositionGrid | None:
    """Return where a tensor holds the grid of the input's positions; None unless this is certain.

    The tensor has one axis of samples and one of channels. Tokens in one row form a grid with several positions on each axis.

    Args:
        spatial: the entries' centers on each spatial axis of the input; None if no entry has a position there.
        samples: their places among the samples, if these are known.
        shape: of the tensor.
        count: number of samples.
    """
    axes = read_axes(spatial, samples, shape, count)
    if axes is None or len(shape) not in (len(axes.placed) + 2, len(spatial) + 2):
        return None
    placed, sample_axis, channel_axis = axes.placed, axes.sample, axes.channel
    total = math.prod(shape[dim] for dim in placed)
    centers = [np.full(total, -1.0) if one is None else one.on(placed, shape).flatten() for one in spatial]
    inside = np.flatnonzero(np.any([one >= 0 for one in centers], axis=0))
    found = find_grid([one[inside] for one in centers])
    if found is None or not _same_samples(samples, shape, placed, sample_axis, inside):
        return None
    space, order = found
    if len(shape) != len(spatial) + 2 and (min(space) < 2 or shape[channel_axis] < 2):
        return None
    return PositionGrid(shape, sample_axis, channel_axis, tuple(inside[list(order)].tolist()), space, total)


def _sample_axis(samples: Centers | None, shape: tuple[int, ...], count: int, placed: list[int]) -> int | None:
    if count == 1:
        return next((dim for dim in range(min(len(shape), 2)) if shape[dim] == 1 and dim not in placed), None)
    dims = [] if samples is None else [dim for dim in samples.varying if dim not in placed]
    return dims[0] if len(dims) == 1 and shape[dims[0]] == count else None


def _same_samples(
    samples: Centers | None, shape: tuple[int, ...], placed: list[int], sample_axis: int, inside: npt.NDArray[np.int64]
) -> bool:
    """Return whether the samples are in order at each position."""
    if samples is None or shape[sample_axis] == 1:
        return True
    axes = sorted([*placed, sample_axis])
    table = np.moveaxis(samples.on(axes, shape), axes.index(sample_axis), 0).reshape(shape[sample_axis], -1)[:, inside]
    return bool((table == table[:, :1]).all() and (np.diff(table[:, 0]) > 0).all())
