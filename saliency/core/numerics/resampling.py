"""Blur and resize arrays along their spatial axes by matrices."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.types import Array

Matrix = npt.NDArray[np.float64]

MAX_MATRIX_ENTRIES = 2**18
"""Entries of a matrix that is applied at once: an axis of 512 positions fits, a longer one is computed in blocks."""


MAX_MATRICES_KEPT = 8
"""Number of matrices that an adapter keeps on its device, for maps and inputs of the same sizes."""


def spatial_axes(channel_axis: int | None, ndim: int) -> tuple[int, ...]:
    """Return the spatial axes of a batch (N, *input): all axes but the channels, or the only axis of the input.

    Args:
        channel_axis: of one input without its batch axis; None if it has no channels.
        ndim: number of axes of the batch.

    Raises:
        InputError: if the input has no axis, or ``channel_axis`` is not one of them.
    """
    if ndim == 1:
        raise InputError("`x_value` (a single number) must have at least one axis")
    if ndim == 2 or channel_axis is None:
        return tuple(range(1, ndim))
    if not 1 - ndim <= channel_axis < ndim - 1:
        raise InputError(f"`channel_axis` (={channel_axis}) must be one of the input's {ndim - 1} axes, or None")
    channels = channel_axis % (ndim - 1) + 1
    return tuple(axis for axis in range(1, ndim) if axis != channels)


def apply_along_axis(xp: Any, matrix: Array, x: Array, axis: int) -> Array:
    """Multiply a matrix (after, before), an array of ``xp``, with one axis of ``x`` of length ``before``."""
    shape = tuple(x.shape)
    if axis == len(shape) - 2:
        return matrix @ x
    flat = xp.reshape(x, (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])))
    return xp.reshape(matrix @ flat, (*shape[:axis], matrix.shape[0], *shape[axis + 1 :]))


def apply_to_last_axis(xp: Any, transpose: Array, x: Array) -> Array:
    """Multiply a matrix, given by its transpose (before, after), with the last axis of ``x``, in a single product."""
    return xp.reshape(xp.reshape(x, (-1, transpose.shape[0])) @ transpose, (*x.shape[:-1], transpose.shape[1]))


def transpose_matrix(xp: Any, matrix: Array) -> Array:
    """Return the transpose of a matrix."""
    columns = int(matrix.shape[1])
    return xp.concatenate([matrix[:, i][None] for i in range(columns)])


def apply_in_blocks(adapter: Any, rows: Callable[[range], Matrix], after: int, x: Array, axis: int) -> Array:
    """Multiply a matrix (after, before) with one axis of ``x``, in blocks of rows of at most ``MAX_MATRIX_ENTRIES``."""
    block_size = max(1, MAX_MATRIX_ENTRIES // int(x.shape[axis]))
    blocks = [range(start, min(start + block_size, after)) for start in range(0, after, block_size)]
    if axis == len(x.shape) - 1:
        products = [apply_to_last_axis(adapter.xp, adapter.asarray(rows(block).T), x) for block in blocks]
    else:
        products = [apply_along_axis(adapter.xp, adapter.asarray(rows(block)), x, axis) for block in blocks]
    return products[0] if len(products) == 1 else adapter.xp.concatenate(products, axis=axis)


def gaussian_blur(adapter: Any, x: Array, axis: int, sigma: float) -> Array:
    """Average along one axis with Gaussian weights that sum to 1, also at the borders; ``sigma`` is in positions."""
    size = int(x.shape[axis])
    return apply_in_blocks(adapter, lambda block: _gaussian_matrix(block, size, sigma), size, x, axis)


def _gaussian_matrix(rows: range, size: int, sigma: float) -> Matrix:
    weights = np.exp(-0.5 * ((np.arange(rows.start, rows.stop)[:, None] - np.arange(size)) / sigma) ** 2)
    matrix: Matrix = weights / weights.sum(axis=1, keepdims=True)
    return matrix


@cache
def interpolation_matrix(before: int, after: int) -> Matrix:
    """Return the matrix (after, before) that interpolates linearly between the centers of positions."""
    points = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    weights: Matrix = np.clip(1 - np.abs(points[:, None] - np.arange(before)), 0, None)
    return weights


def resize_maps(adapter: Any, maps: Array, size: tuple[int, ...]) -> Array:
    """Resize maps (N, *space) to (N, *size), linearly along each axis."""
    return apply_matrices(adapter.xp, maps, *resize_matrices(adapter, maps, maps.shape[1:], size))


def resize_matrices(
    adapter: Any, like: Array, space: Sequence[int], size: Sequence[int]
) -> tuple[tuple[int, ...], list[Array]]:
    """Return the axes of (N, *space) that have to be resized, and the matrix of each, for ``apply_matrices``.

    The last axis comes first, while the map is small. The matrices have the type and the device of ``like``, an array that
    the adapter returned.
    """
    lengths = zip(map(int, space), map(int, size), strict=True)
    changed = {axis: both for axis, both in enumerate(lengths, start=1) if both[0] != both[1]}
    axes = tuple(sorted(changed, reverse=True))
    return axes, [_matrix_on_device(adapter, like, *changed[axis], axis == len(size)) for axis in axes]


def _matrix_on_device(adapter: Any, like: Array, before: int, after: int, transposed: bool) -> Array:
    """Return the matrix of an axis as an array of the adapter, which keeps some: a conversion takes as long as a product."""
    kept: dict[Any, Array] = adapter.__dict__.setdefault("_resize_matrices", {})
    key = before, after, transposed, like.dtype, getattr(like, "device", None)  # the model may move to another type or device
    matrix = kept.get(key)
    if matrix is None:
        rows = interpolation_matrix(before, after)
        matrix = adapter.asarray(rows.T if transposed else rows)
        if len(kept) >= MAX_MATRICES_KEPT:
            kept.clear()
        kept[key] = matrix
    return matrix


def apply_matrices(xp: Any, maps: Array, axes: Sequence[int], matrices: Sequence[Array]) -> Array:
    """Multiply matrices with axes of maps (N, *space); the matrix of the last axis is transposed: (before, after)."""
    for axis, matrix in zip(axes, matrices, strict=True):
        maps = maps @ matrix if axis == len(maps.shape) - 1 else apply_along_axis(xp, matrix, maps, axis)
    return maps
