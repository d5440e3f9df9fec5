"""The pixels inside triangles whose corners are pixels, in exact arithmetic."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class TrianglePixels(NamedTuple):
    """The pixels inside triangles or on their edges; a pixel on an edge of two triangles appears twice.

    Args:
        rows, columns: positions of the pixels, (pixels,).
        corners: the three corners of the triangle of each pixel, (pixels, 3).
        weights: the barycentric coordinates of each pixel, (pixels, 3), as multiples of 1 / ``totals``.
        totals: the sum of the weights of each pixel, twice the area of its triangle, (pixels,).
    """

    rows: Integers
    columns: Integers
    corners: Integers
    weights: Integers
    totals: Integers


def pixels_in_triangles(points: Integers, triangles: Integers) -> TrianglePixels:
    """Find the pixels of each triangle, row by row.

    Triangles of the smallest area, 1/2, hold no pixel but their corners, and are left out.

    Args:
        points: row and column of each corner, (points, 2).
        triangles: the corners of each triangle, (triangles, 3), as indices of points.
    """
    corners = points[triangles]  # (triangles, 3, 2)
    edges = np.roll(corners, -1, axis=1) - corners
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    large = np.abs(area) > 1
    triangles, corners, edges, area = triangles[large], corners[large], edges[large], area[large]
    sides = np.sign(area)[:, None]
    # the weight opposite to an edge is by_row * row + by_column * column + constant, and 0 on this edge
    by_row, by_column = -sides * edges[..., 1], sides * edges[..., 0]
    constant = -by_row * corners[..., 0] - by_column * corners[..., 1]
    top, bottom = corners[..., 0].min(axis=1), corners[..., 0].max(axis=1)
    index, rows = _expand(top, bottom)
    at_row = by_row[index] * rows[:, None] + constant[index]
    span, columns = _expand(*_column_ranges(at_row, by_column[index]))
    rows, index = rows[span], index[span]
    weights = at_row[span] + by_column[index] * columns[:, None]
    return TrianglePixels(rows, columns, np.roll(triangles[index], 1, axis=1), weights, np.abs(area)[index])


def _column_ranges(at_row: Integers, slope: Integers) -> tuple[Integers, Integers]:
    """Return the first and last column at which at_row + slope * column is at least 0 for all three edges."""
    limit = -at_row // np.where(slope == 0, 1, slope)  # rounded down
    largest = np.iinfo(np.int64).max
    first = np.where(slope > 0, -(at_row // np.where(slope == 0, 1, slope)), -largest).max(axis=1)
    last = np.where(slope < 0, limit, largest).min(axis=1)
    return first, last


def _expand(first: Integers, last: Integers) -> tuple[Integers, Integers]:
    """Return the whole numbers from first to last of each interval: the index of the interval, and the number."""
    counts = np.maximum(last - first + 1, 0)
    index = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return index, np.arange(len(index)) - starts[index] + first[index]
