"""The pixels of triangles, against every pixel of the picture and against SciPy's interpolation."""

import numpy as np
import pytest

from saliency.metrics.inpainting import fill_with_nearest, interpolate_picture
from saliency.metrics.triangles import pixels_in_triangles

interpolate = pytest.importorskip("scipy.interpolate")
RNG = np.random.default_rng(0)


def barycentric(corners, pixel):
    matrix = np.vstack([corners.T, np.ones(3)])
    return np.linalg.solve(matrix, [*pixel, 1.0])


def test_every_pixel_of_a_triangle_is_found_with_its_barycentric_coordinates():
    points = RNG.integers(0, 9, (40, 2))
    triangles = RNG.integers(0, 40, (30, 3))
    found = pixels_in_triangles(points, triangles)
    pixels = {
        (*sorted(corners), row, column)
        for corners, row, column in zip(found.corners.tolist(), found.rows.tolist(), found.columns.tolist(), strict=True)
    }
    expected = set()
    for corners in triangles:
        edges = points[corners[1:]] - points[corners[0]]
        if abs(round(np.linalg.det(edges))) > 1:
            inside = [p for p in np.ndindex(9, 9) if barycentric(points[corners], p).min() > -1e-9]
            expected |= {(*sorted(corners.tolist()), *p) for p in inside}
    assert pixels == expected
    for corners, weights, total, *pixel in zip(
        found.corners, found.weights, found.totals, found.rows, found.columns, strict=True
    ):
        np.testing.assert_allclose(weights / total, barycentric(points[corners], pixel), atol=1e-9)


@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.3, 0.9])
def test_the_interpolation_is_scipys(fraction):
    picture, known = RNG.random((40, 31, 2)), RNG.random((40, 31)) < fraction
    known[np.ix_([0, -1], [0, -1])] = True
    everywhere = np.argwhere(np.ones_like(known))
    for fill, method in ((interpolate_picture, "linear"), (fill_with_nearest, "nearest")):
        expected = interpolate.griddata(np.argwhere(known), picture[known], everywhere, method).reshape(picture.shape)
        np.testing.assert_allclose(fill(picture, known), expected, atol=1e-12)
