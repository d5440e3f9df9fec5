"""Resizing maps by cubic splines, corner to corner, as ``scipy.ndimage.zoom`` does by default."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.resampling import Matrix, apply_along_axis


def zoomed(maps: npt.NDArray[Any], size: tuple[int, ...]) -> npt.NDArray[Any]:
    """Resize maps (N, *space) to (N, *size), along each axis by a cubic spline through all positions.

    The first and the last position stay where they are; a spline overshoots, so a map without a negative may get some.

    Args:
        maps: floats.
        size: as many axes as *space*.

    Returns:
        (N, *size), in the type of the maps.
    """
    found = maps.astype(np.float64)
    for axis, after in enumerate(size, start=1):
        found = apply_along_axis(np, cubic(found.shape[axis], after), found, axis)
    return found.astype(maps.dtype)


def cubic(before: int, after: int) -> Matrix:
    """Return the matrix (after, before) from values at positions to those of the spline through them.

    Source:
        Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Processing Magazine 16, 1999.
    """
    if before == 1:
        return np.ones((after, 1))
    at = np.linspace(0, before - 1, after) if after > 1 else np.zeros(1)
    values: Matrix = _bases(at, before) @ np.linalg.inv(_bases(np.arange(before), before))
    return values


def _bases(at: npt.NDArray[Any], before: int) -> Matrix:
    """Return the cubic B-splines of all positions (at, before), those beyond the ends mirrored at them."""
    beyond = np.arange(-2, before + 2)
    distance = np.abs(at[:, None] - beyond)
    values = np.where(distance < 1, 2 / 3 - distance**2 + distance**3 / 2, np.clip(2 - distance, 0, None) ** 3 / 6)
    period = 2 * (before - 1)
    inside = np.minimum(beyond % period, -beyond % period)
    bases: Matrix = values @ (inside[:, None] == np.arange(before))
    return bases
