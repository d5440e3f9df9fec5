"""Control maps against SciPy and closed forms."""

import numpy as np
import pytest

from saliency.metrics.controls import blurred_maps, centered_maps, edge_maps, random_maps


def test_edges_equal_those_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(0).normal(size=(9, 12))
    expected = np.hypot(ndimage.sobel(image, 0, mode="reflect"), ndimage.sobel(image, 1, mode="reflect"))
    np.testing.assert_allclose(edge_maps(image[None])[0], expected)


def test_blur_keeps_constants_and_spreads_points():
    np.testing.assert_allclose(blurred_maps(np.full((2, 10, 14), 3.0)), 3)
    point = np.zeros((1, 33, 33))
    point[0, 16, 16] = 1
    blurred = blurred_maps(point)[0]
    assert blurred.argmax() == 16 * 33 + 16
    np.testing.assert_allclose(blurred[16, 16] / blurred[16, 18], np.exp(0.5 * (2 / (33 / 16)) ** 2))


def test_centered_map_is_symmetric_and_random_maps_repeat():
    images = np.zeros((2, 8, 10))
    center = centered_maps(images)
    np.testing.assert_allclose(center, center[:, ::-1, ::-1])
    np.testing.assert_array_equal(random_maps(images, [1, 2])[1], random_maps(images[:1], [2])[0])
