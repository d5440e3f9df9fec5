"""Resize maps by cubic splines, corner to corner, as ``scipy.ndimage.zoom`` does by default."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.resampling import Matrix, apply_along_axis


def resize_by_splines(maps: npt.NDArray[Any], size: tuple[int, ...]) -> npt.NDArray[Any]:
    """Resize maps (N, *space) to (N, *size), along each axis by the cubic spline through all positions.

    The first and the last position keep their place. A spline overshoots, so the result of a non-negative map may contain
    negative values.

    Args:
        maps: floats.
        size: the new lengths, one for each axis of *space*.

    Returns:
        (N, *size), in the dtype of ``maps``.
    """
    resized = maps.astype(np.float64)
    for axis, after in enumerate(size, start=1):
        resized = apply_along_axis(np, spline_matrix(resized.shape[axis], after), resized, axis)
    return resized.astype(maps.dtype)


def spline_matrix(before: int, after: int) -> Matrix:
    """Return the matrix (after, before) from values at ``before`` positions to ``after`` values of the spline through them.

    Source:
        Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Processing Magazine 16, 1999.
    """
    if before == 1:
        return np.ones((after, 1))
    points = np.linspace(0, before - 1, after) if after > 1 else np.zeros(1)
    matrix: Matrix = _spline_bases(points, before) @ np.linalg.inv(_spline_bases(np.arange(before), before))
    return matrix


def _spline_bases(points: npt.NDArray[Any], before: int) -> Matrix:
    """Evaluate the cubic B-splines of all positions at points, (points, before); the ends mirror the splines beyond them."""
    centers = np.arange(-2, before + 2)
    distance = np.abs(points[:, None] - centers)
    values = np.where(distance < 1, 2 / 3 - distance**2 + distance**3 / 2, np.clip(2 - distance, 0, None) ** 3 / 6)
    period = 2 * (before - 1)
    mirrored = np.minimum(centers % period, -centers % period)
    bases: Matrix = values @ (mirrored[:, None] == np.arange(before))
    return bases
