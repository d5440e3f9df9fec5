"""Compare blurring and resizing with scipy.ndimage and torch.nn.functional.interpolate."""

import numpy as np
import pytest
from scipy import ndimage

import saliency
from saliency.core.numerics.resampling import apply_along_axis, gaussian_blur, interpolation_matrix, resize_maps, spatial_axes
from tests.reference import MinimalArray, linear

RNG = np.random.default_rng(0)
NUMPY = linear([[1.0]])  # an adapter of NumPy, on the promised words alone


@pytest.mark.parametrize(
    ("channel_axis", "ndim", "axes"),
    [
        (0, 4, (2, 3)),
        (-1, 4, (1, 2)),
        (2, 4, (1, 2)),
        (1, 4, (1, 3)),
        (None, 3, (1, 2)),
        (None, 4, (1, 2, 3)),
        (0, 3, (2,)),
        (-3, 4, (2, 3)),
        (0, 5, (2, 3, 4)),
        (0, 2, (1,)),
        (-1, 2, (1,)),
        (None, 2, (1,)),
    ],
)
def test_spatial_axes_are_all_but_the_channels(channel_axis, ndim, axes):
    assert spatial_axes(channel_axis, ndim) == axes


@pytest.mark.parametrize("channel_axis", [3, -4, 7])
def test_an_axis_that_the_input_does_not_have(channel_axis):
    with pytest.raises(saliency.InputError, match=rf"`channel_axis` \(={channel_axis}\) must be one of the input's 3 axes"):
        spatial_axes(channel_axis, 4)


def test_an_input_without_axes():
    with pytest.raises(saliency.InputError, match=r"`x_value` \(a single number\) must have at least one axis"):
        spatial_axes(0, 1)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_a_matrix_acts_along_one_axis(axis):
    x = RNG.normal(size=(2, 3, 4, 5))
    matrix = RNG.normal(size=(6, x.shape[axis]))
    found = apply_along_axis(np, matrix, x, axis)
    assert found.shape == tuple(6 if i == axis else length for i, length in enumerate(x.shape))
    np.testing.assert_allclose(found, np.apply_along_axis(matrix.dot, axis, x), rtol=1e-12)


@pytest.mark.parametrize("before", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("after", [1, 2, 5, 7, 24, 100])
def test_linear_interpolation_equals_torch(before, after):
    interpolate = pytest.importorskip("torch.nn.functional").interpolate
    import torch

    signal = RNG.normal(size=before)
    theirs = interpolate(torch.tensor(signal)[None, None], after, mode="linear", align_corners=False)[0, 0].numpy()
    np.testing.assert_allclose(interpolation_matrix(before, after) @ signal, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        ("linear", (5,), (13,)),
        ("bilinear", (3, 4), (7, 9)),
        ("bilinear", (7, 7), (3, 20)),
        ("bilinear", (6, 5), (6, 10)),
        ("trilinear", (2, 3, 4), (4, 3, 7)),
    ],
)
def test_resizing_equals_torch(mode, before, after):
    interpolate = pytest.importorskip("torch.nn.functional").interpolate
    import torch

    maps = RNG.normal(size=(3, *before))
    theirs = interpolate(torch.tensor(maps)[:, None], after, mode=mode, align_corners=False)[:, 0].numpy()
    np.testing.assert_allclose(resize_maps(NUMPY, MinimalArray(maps), after).array, theirs, rtol=1e-9, atol=1e-12)


def test_resizing_to_its_own_size_changes_nothing():
    maps = RNG.normal(size=(2, 5, 6))
    np.testing.assert_array_equal(resize_maps(NUMPY, MinimalArray(maps), (5, 6)).array, maps)


def normalized_gaussian(x, axis, sigma):
    """SciPy's Gaussian filter, divided by its result for ones, so that the weights sum to 1 at the borders."""
    options = {"sigma": sigma, "axis": axis, "mode": "constant", "radius": x.shape[axis]}
    return ndimage.gaussian_filter1d(x, **options) / ndimage.gaussian_filter1d(np.ones_like(x), **options)


@pytest.mark.parametrize(("shape", "axis", "sigma"), [((2, 40), 1, 3.3), ((2, 3, 19, 4), 2, 0.7), ((3, 1), 1, 1 / 12), ((2, 30), 1, 500.0)])  # fmt: skip
def test_a_blur_equals_scipy(shape, axis, sigma):
    x = RNG.normal(size=shape)
    np.testing.assert_allclose(
        gaussian_blur(NUMPY, MinimalArray(x), axis, sigma).array, normalized_gaussian(x, axis, sigma), rtol=1e-9, atol=1e-12
    )


def test_a_long_axis_is_blurred_in_blocks():
    shapes = []

    def asarray(matrix):
        shapes.append(matrix.shape)
        return MinimalArray(matrix)

    adapter = linear([[1.0]])
    adapter.asarray = asarray
    x = RNG.normal(size=(1, 3000))
    np.testing.assert_allclose(
        gaussian_blur(adapter, MinimalArray(x), 1, 250.0).array, normalized_gaussian(x, 1, 250.0), rtol=1e-8, atol=1e-12
    )
    assert len(shapes) > 1 and max(map(np.prod, shapes)) <= 2**22
