"""Noisy linear imputation: removed pixels become weighted means of their neighbors."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ModelError

NEIGHBORS = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column]
WEIGHTS = {1: 1 / 6, 2: 1 / 12}
"""Weight of a neighbor by its distance in steps along the axes: beside the pixel, or on its diagonal."""


def impute_linearly(image: npt.NDArray[np.float64], removed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return an image in which each removed pixel is the weighted mean of its neighbors.

    The neighbors that are removed as well are unknown, so the pixels solve one sparse linear system. At the border, the
    weights of the existing neighbors are normalized to a sum of 1. If every pixel is removed, each is the mean of the image.

    Args:
        image: (H, W, channels).
        removed: (H, W).

    Raises:
        ModelError: if SciPy is not installed.

    Source:
        Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods, arXiv:2202.00449, section 4.2.
    """
    count = int(np.count_nonzero(removed))
    if count == removed.size:
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape).copy()
    filled = image.copy()
    if count:
        matrix, known = _system(image, removed, count)
        filled[removed] = _factorized(matrix)(known)
    return filled


def _system(image: npt.NDArray[np.float64], removed: npt.NDArray[np.bool_], count: int) -> tuple[Any, npt.NDArray[np.float64]]:
    """Return the matrix of the removed pixels, and the weighted sums of their known neighbors (count, channels)."""
    from scipy import sparse

    unknown = np.full(removed.shape, -1)
    unknown[removed] = np.arange(count)
    rows, columns = np.nonzero(removed)
    diagonal, known = np.zeros(count), np.zeros((count, image.shape[2]))
    entries: list[tuple[npt.NDArray[Any], npt.NDArray[Any], float]] = []
    for down, right in NEIGHBORS:
        weight, row, column = WEIGHTS[abs(down) + abs(right)], rows + down, columns + right
        inside = (row >= 0) & (row < removed.shape[0]) & (column >= 0) & (column < removed.shape[1])
        own, row, column = np.flatnonzero(inside), row[inside], column[inside]
        diagonal[own] += weight
        other = unknown[row, column]
        is_known = other < 0
        np.add.at(known, own[is_known], weight * image[row[is_known], column[is_known]])
        entries.append((own[~is_known], other[~is_known], -weight))
    data = np.concatenate([diagonal, *[np.full(len(one), weight) for one, _, weight in entries]])
    one = np.concatenate([np.arange(count), *[first for first, _, _ in entries]])
    other = np.concatenate([np.arange(count), *[second for _, second, _ in entries]])
    return sparse.csc_matrix((data, (one, other)), shape=(count, count)), known


def _factorized(matrix: Any) -> Any:
    from scipy.sparse.linalg import splu

    return splu(matrix).solve


def check_scipy() -> None:
    """Raise a `ModelError` with the way on if SciPy is not installed."""
    try:
        import scipy.sparse.linalg  # noqa: F401
    except ImportError as error:
        raise ModelError("this metric needs SciPy: pip install scipy") from error
