"""Linear maps along an input's spatial axes: blurring and resizing."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.types import Array

Matrix = npt.NDArray[np.float64]

ENTRIES = 2**18
"""Of a matrix at a time: an axis of 512 positions at once, a longer one in parts."""


def spatial_axes(channel_axis: int | None, ndim: int) -> tuple[int, ...]:
    """Return the spatial axes of a batch (N, *input): all but the channels', where the input has more than one axis.

    Args:
        channel_axis: of one input without its batch axis; None if it has none.
        ndim: of the batch.

    Raises:
        InputError: if the input has no axis at all, or none such.
    """
    if ndim == 1:
        raise InputError("`x_value` (a single number) must have one axis at least")
    if ndim == 2 or channel_axis is None:
        return tuple(range(1, ndim))
    if not 1 - ndim <= channel_axis < ndim - 1:
        raise InputError(f"`channel_axis` (={channel_axis}) must be one of the input's {ndim - 1} axes, or None")
    channels = channel_axis % (ndim - 1) + 1
    return tuple(axis for axis in range(1, ndim) if axis != channels)


def apply_along_axis(xp: Any, matrix: Array, x: Array, axis: int) -> Array:
    """Apply a matrix (after, before), an array of ``xp``, along one axis of ``x``, whose length is ``before``."""
    shape = tuple(x.shape)
    if axis == len(shape) - 2:
        return matrix @ x
    flat = xp.reshape(x, (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])))
    return xp.reshape(matrix @ flat, (*shape[:axis], matrix.shape[0], *shape[axis + 1 :]))


def transpose_last(xp: Any, matrix: Array) -> Array:
    """Return a matrix with its two axes exchanged."""
    columns = int(matrix.shape[1])
    return xp.concatenate([matrix[:, i][None] for i in range(columns)])


def in_parts(adapter: Any, rows: Callable[[range], Matrix], after: int, x: Array, axis: int) -> Array:
    """Apply a matrix (after, before) along one axis of ``x``, as many of its ``rows`` at a time as memory should hold."""
    many = max(1, ENTRIES // int(x.shape[axis]))
    parts = [range(start, min(start + many, after)) for start in range(0, after, many)]
    found = [apply_along_axis(adapter.xp, adapter.asarray(rows(part)), x, axis) for part in parts]
    return found[0] if len(found) == 1 else adapter.xp.concatenate(found, axis=axis)


def blurred(adapter: Any, x: Array, axis: int, sigma: float) -> Array:
    """Average along one axis with Gaussian weights, which sum to 1 at the borders too; ``sigma`` is in positions."""
    size = int(x.shape[axis])
    return in_parts(adapter, lambda part: _gaussian(part, size, sigma), size, x, axis)


def _gaussian(rows: range, size: int, sigma: float) -> Matrix:
    weights = np.exp(-0.5 * ((np.arange(rows.start, rows.stop)[:, None] - np.arange(size)) / sigma) ** 2)
    matrix: Matrix = weights / weights.sum(axis=1, keepdims=True)
    return matrix


@cache
def bilinear(before: int, after: int) -> Matrix:
    """Return the matrix (after, before) that interpolates linearly between the centres of positions."""
    at = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    weights: Matrix = np.clip(1 - np.abs(at[:, None] - np.arange(before)), 0, None)
    return weights


def resized(adapter: Any, maps: Array, size: tuple[int, ...]) -> Array:
    """Resize maps (N, *space) to (N, *size), linearly along each axis."""
    return by_matrices(adapter.xp, maps, *resizing(adapter, maps.shape[1:], size))


def resizing(adapter: Any, space: Sequence[int], size: Sequence[int]) -> tuple[tuple[int, ...], list[Array]]:
    """Return what resizes maps: axes of (N, *space), the last one first while there is little to do, and their matrices."""
    lengths = zip(map(int, space), map(int, size), strict=True)
    changed = {axis: both for axis, both in enumerate(lengths, start=1) if both[0] != both[1]}
    axes = tuple(sorted(changed, reverse=True))
    return axes, [adapter.asarray(bilinear(*changed[i]).T if i == len(size) else bilinear(*changed[i])) for i in axes]


def by_matrices(xp: Any, maps: Array, axes: Sequence[int], matrices: Sequence[Array]) -> Array:
    """Apply matrices along axes of maps (N, *space); that of the last axis is turned: (before, after)."""
    for axis, matrix in zip(axes, matrices, strict=True):
        maps = maps @ matrix if axis == len(maps.shape) - 1 else apply_along_axis(xp, matrix, maps, axis)
    return maps


MOST_EXTRA_TOKENS = 16
"""Class, distillation and register tokens that may stand in front of a vision transformer's grid."""


def token_grid(tokens: int, height: int, width: int) -> tuple[int, int, int] | None:
    """Tell how a vision transformer's tokens lie on a picture.

    Returns:
        How many come before the grid, and its rows and columns, in the picture's proportions; None if they make no grid.
    """
    for extra in range(min(MOST_EXTRA_TOKENS, tokens)):
        left = tokens - extra
        rows = round((left * height / width) ** 0.5)
        columns = left // max(1, rows)
        if rows * columns == left > 1 and rows * width == columns * height:
            return extra, rows, columns
    return None


def same_aspect(space: Sequence[int], of: Sequence[int]) -> bool:
    """Tell whether axes are in the proportions of others, give or take a position of rounding."""
    return all(abs(a * of[0] - space[0] * b) <= of[0] + b for a, b in zip(space, of, strict=True))
