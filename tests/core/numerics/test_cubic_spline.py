"""Compare resizing by cubic splines with SciPy."""

import numpy as np
import pytest

from saliency.core.numerics.cubic_spline import resize_by_splines, spline_matrix

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("before", [(1,), (2,), (3,), (7,), (3, 4), (1, 5), (2, 3, 4)])
@pytest.mark.parametrize("times", [0.4, 1, 2.5, 6])
def test_splines_equal_scipy(before, times):
    ndimage = pytest.importorskip("scipy.ndimage")
    size = tuple(max(1, int(length * times) + i) for i, length in enumerate(before))
    maps = RNG.normal(size=(2, *before))
    wanted = [ndimage.zoom(one, [a / b for a, b in zip(size, before, strict=True)]) for one in maps]
    np.testing.assert_allclose(resize_by_splines(maps, size), wanted, rtol=1e-9, atol=1e-9)


def test_positions_and_constants_are_preserved():
    values = RNG.normal(size=(3, 6)).astype(np.float32)
    found = resize_by_splines(values, (26,))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, ::5], values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(spline_matrix(7, 19).sum(1), np.ones(19))
    np.testing.assert_allclose(spline_matrix(7, 1), np.eye(7)[:1], atol=1e-12)
