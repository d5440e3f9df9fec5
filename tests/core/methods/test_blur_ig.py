"""Blur integrated gradients: known integrals, and PAIR's sum written as convolutions."""

from itertools import pairwise

import numpy as np
import pytest

import saliency
from saliency import BlurIG
from saliency.core.numerics.gaussian_blur import MAX_SUMMED, blur, blur_and_derivative
from tests.reference import linear, quadratic, sigmoid

RNG = np.random.default_rng(0)
W = RNG.normal(size=(2, 3, 9, 8))
X = RNG.normal(size=(3, 3, 9, 8))


def blurred(x, sigma, radius=9.0):
    """Convolve all axes but the first with a sampled Gaussian, with zeros beyond the borders."""
    last = int(radius * sigma + 0.5)
    if not last:
        return x
    kernel = np.exp(-(np.arange(-last, last + 1) ** 2) / (2 * sigma**2))

    def along(values):
        return np.convolve(values, kernel / kernel.sum())[last : last + len(values)]

    for axis in range(1, x.ndim):
        x = np.apply_along_axis(along, axis, x)
    return x


@pytest.mark.parametrize("sigma", [0.2, 0.7, 2.0, 30.0])
def test_the_blur_and_its_derivative(sigma):
    adapter = linear(W)
    found, slope = (one.array for one in blur_and_derivative(adapter, adapter.asarray(X), (2, 3), sigma))
    np.testing.assert_allclose(found[1], blurred(X[1], sigma), atol=1e-14)
    h = 1e-5
    ahead, before = (blur(adapter, adapter.asarray(X), (2, 3), sigma + way, radius=12).array for way in (h, -h))
    np.testing.assert_allclose(slope, (ahead - before) / (2 * h), atol=1e-9)


def test_the_derivative_of_a_smooth_image_is_sigma_times_its_laplacian():
    adapter, x = linear(W), np.zeros((1, 1, 61, 61))
    x[0, 0, 30, 30] = 1
    found, slope = (one.array[0, 0] for one in blur_and_derivative(adapter, adapter.asarray(x), (2, 3), 4.0))
    away = ((np.arange(61) - 30.0) ** 2)[:, None] + (np.arange(61) - 30.0) ** 2
    laplacian = found * (away - 2 * 16) / 16**2  # of a Gaussian
    np.testing.assert_allclose(slope, 4 * laplacian, atol=1e-9)


@pytest.mark.parametrize("radius", [4.0, 9.0])
def test_a_blur_much_wider_than_the_image_needs_no_kernel_of_its_width(radius):
    adapter, x, sigma = linear(W), X[:1, :, :, :1], MAX_SUMMED + 0.3
    wide = blur(adapter, adapter.asarray(x), (2,), sigma, radius).array[0, :, :, 0]
    every = np.arange(-int(radius * sigma + 0.5), int(radius * sigma + 0.5) + 1)
    weights = np.exp(-(np.subtract.outer(np.arange(9), np.arange(9)) ** 2) / (2 * sigma**2))
    np.testing.assert_allclose(wide, X[0, :, :, 0] @ weights / np.exp(-(every**2) / (2 * sigma**2)).sum(), rtol=1e-13)
    flat, slope = (one.array for one in blur_and_derivative(adapter, adapter.asarray(x), (2,), 1e9))
    np.testing.assert_allclose(flat[0, :, 0, 0], X[0, :, :, 0].sum(axis=1) / 1e9 / np.sqrt(2 * np.pi), rtol=1e-12)
    np.testing.assert_allclose(slope, -flat / 1e9, rtol=1e-12)


def test_a_linear_function_s_are_weights_times_the_change():
    mask = BlurIG(linear(W), 1).GetMask(X[0], max_sigma=3)
    np.testing.assert_allclose(mask, W[1] * (X[0] - blurred(X[0], 3.0)), atol=1e-9)


@pytest.mark.parametrize("sqrt", [False, True])
def test_the_sum_is_the_change_of_the_score(sqrt):
    options = {"max_sigma": 4, "x_steps": 300, "sqrt": sqrt, "details": True}
    mask = BlurIG(quadratic([1, 2]), 1, batch_size=7).GetMask(X[0], **options)
    change = np.sum(X[0] ** 2) - np.sum(blurred(X[0], 4.0) ** 2)
    assert mask.details["change"] == pytest.approx(change) and mask.details["points"] == 300
    assert mask.sum() == pytest.approx(change, rel=1e-6)
    assert mask.details["score"] == pytest.approx(np.sum(X[0] ** 2))


@pytest.mark.parametrize("sqrt", [False, True])
def test_pair_s_options_give_pair_s_sum(sqrt):
    most, steps, step = 6.0, 10, 0.01
    sigmas = [most * np.sqrt(i / steps) if sqrt else most * i / steps for i in range(steps + 1)]
    expected = 0.0
    for sigma, following in pairwise(sigmas):
        one, ahead = blurred(X[0], sigma, 4.0), blurred(X[0], sigma + step, 4.0)
        expected = expected - (following - sigma) * one * (ahead - one) / step  # the gradient of |x|^2 / 2 is x
    options = {"rule": "right", "grad_step": step, "sqrt": sqrt, "max_sigma": most, "x_steps": steps}
    mask = BlurIG(quadratic([1]), 0).GetMask(X[0], **options)
    np.testing.assert_allclose(mask, expected, atol=1e-11)


@pytest.mark.parametrize("rule", [None, "right", "midpoint", "trapezoid"])
@pytest.mark.parametrize("sqrt", [False, True])
def test_points_are_added_until_the_gap_is_within_the_tolerance(rule, sqrt):
    mask = BlurIG(sigmoid(0.3), 0, rule=rule).GetMasks(X, max_sigma=3, tolerance=0.01, max_steps=4000, sqrt=sqrt)
    assert (np.abs(mask.details["gap"]) <= 0.01 * np.abs(mask.details["change"])).all()
    assert len(set(mask.details["points"])) > 1 or rule
    with pytest.warns(saliency.ToleranceWarning, match="gap after 3 steps"):
        BlurIG(sigmoid(0.3), 0).GetMask(X[0], tolerance=1e-9, x_steps=3, max_steps=4)


def test_several_inputs_at_once_and_smoothed():
    options = {"max_sigma": 2, "x_steps": 6}
    masks = BlurIG(quadratic([1, 3]), batch_size=4).GetMasks(X, y=[0, 1, [0, 1]], **options)
    for mask, x, scale in zip(masks, X, (1, 3, 4), strict=True):
        np.testing.assert_allclose(mask, scale * BlurIG(quadratic([1]), 0).GetMask(x, **options), rtol=1e-10, atol=1e-12)
    smoothed = BlurIG(linear(W), 1).GetSmoothedMask(X[0], nsamples=3, magnitude=False, seed=0, **options)
    again = [BlurIG(linear(W), 1).GetSmoothedMask(X[0], nsamples=3, magnitude=False, seed=seed, **options) for seed in (0, 1)]
    assert np.array_equal(smoothed, again[0]) and not np.allclose(smoothed, again[1])


def test_a_signal_is_blurred_along_its_only_axis():
    x, weights = RNG.normal(size=7), RNG.normal(size=(1, 7))
    mask = BlurIG(linear(weights), 0).GetMask(x, max_sigma=2)
    np.testing.assert_allclose(mask, weights[0] * (x - blurred(x[None], 2.0)[0]), atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_sigma": 0}, "`max_sigma` .=0. must be a finite number, above 0"),
        ({"max_sigma": np.nan}, "`max_sigma` .=nan. must be a finite number, above 0"),
        ({"max_sigma": 1e9}, "`max_sigma` .=1e.09. must not exceed 900, 100 times the longest spatial axis"),
        ({"grad_step": 0}, "`grad_step` .=0. must be a finite number, 1e-06 or more"),
        ({"grad_step": 1e-300}, "`grad_step` .=1e-300. must be a finite number, 1e-06 or more"),
        ({"x_steps": 10**6}, "`x_steps` .=1000000. must not exceed 5000 for rule=.gauss-legendre."),
        ({"x_steps": 0}, "`x_steps` .=0. must be a whole number, 1 or more"),
        ({"rule": "left"}, "`rule` .='left'. must be one of"),
        ({"tolerance": -1}, "`tolerance` .=-1. must be a finite number above 0, or None"),
        ({"sqrt": "yes"}, "`sqrt` .='yes'. must be True or False"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(saliency.InputError, match=message):
        BlurIG(linear(W), 0).GetMask(X[0], **options)
