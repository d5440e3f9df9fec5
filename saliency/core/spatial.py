"""Linear maps along an input's spatial axes: blurring, resizing, sums over windows."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import Array

Matrix = npt.NDArray[np.float64]


def spatial_axes(channel_axis: int | None, ndim: int) -> tuple[int, ...]:
    """Return the spatial axes of a batch (N, *input): all but the channels', where the input has more than one axis.

    Args:
        channel_axis: of one input without its batch axis; None if it has none.
        ndim: of the batch.
    """
    if ndim == 2 or channel_axis is None:
        return tuple(range(1, ndim))
    channels = channel_axis % (ndim - 1) + 1
    return tuple(axis for axis in range(1, ndim) if axis != channels)


def along(matrix: Array, x: Array, axis: int) -> Array:
    """Apply a matrix (after, before), an array of the framework, along one axis of ``x``, whose length is ``before``."""
    shape = tuple(x.shape)
    flat = x.reshape((math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])))
    return (matrix @ flat).reshape((*shape[:axis], matrix.shape[0], *shape[axis + 1 :]))


def blurring(size: int, sigma: float) -> Matrix:
    """Return the matrix (size, size) that averages with Gaussian weights; ``sigma`` is in positions."""
    positions = np.arange(size)
    weights = np.exp(-0.5 * ((positions[:, None] - positions) / sigma) ** 2)
    blur: Matrix = weights / weights.sum(axis=1, keepdims=True)
    return blur


def bilinear(before: int, after: int) -> Matrix:
    """Return the matrix (after, before) that interpolates linearly between the centres of positions."""
    at = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    weights: Matrix = np.clip(1 - np.abs(at[:, None] - np.arange(before)), 0, None)
    return weights


def resized(adapter: Any, maps: Array, size: tuple[int, ...]) -> Array:
    """Resize maps (N, *space) to (N, *size), linearly along each axis."""
    for axis, after in enumerate(size, start=1):
        if maps.shape[axis] != after:
            maps = along(adapter.asarray(bilinear(int(maps.shape[axis]), after)), maps, axis)
    return maps
