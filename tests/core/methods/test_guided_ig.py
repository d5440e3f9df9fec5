"""Guided integrated gradients: known results, and a slow reference that moves one sample value by value."""

import numpy as np
import pytest

import saliency
from saliency import GuidedIG
from tests.reference import JacobianAdapter, hinge, linear, quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(2, 3, 4, 5))
X = RNG.normal(size=(4, 3, 4, 5))


def cubic():
    """f(x) = sum(x**3) / 3."""
    return with_gradient(np.square)


def with_gradient(gradient):
    return JacobianAdapter(lambda x: (x.reshape(len(x), -1) ** 3).sum(1)[:, None] / 3, lambda x: gradient(x)[:, None])


def stairs(x):
    """A gradient that is the same for many values."""
    return np.floor(3 * x)


def reference(gradient, x, start, steps, fraction, max_dist):
    """Move the values of one sample in order of their gradients, in groups, until the distance is as it should be."""
    x, start = x.ravel(), start.ravel()
    point, mask, whole = start.copy(), np.zeros(x.size), np.abs(x - start).sum()
    group = int(fraction * (x.size - 1)) + 1
    for step in range(1, steps + 1):
        slopes, before, goal = gradient(point), point.copy(), whole * (1 - step / steps)
        low, high = max(step / steps - max_dist, 0), min(step / steps + max_dist, 1)
        least, end = start + low * (x - start), start + high * (x - start)
        for i in range(x.size):
            if abs(point[i] - start[i]) < abs(least[i] - start[i]):
                point[i] = least[i]
        left = sorted((abs(slopes[i]), i) for i in range(x.size) if point[i] != end[i])
        while left and np.abs(x - point).sum() > goal + 1e-12:
            limit = left[min(group, len(left)) - 1][0]
            now = [i for slope, i in left if slope <= limit]
            left = [(slope, i) for slope, i in left if slope > limit]
            reach = sum(abs(end[i] - point[i]) for i in now)
            share = min(1, (np.abs(x - point).sum() - goal) / reach)
            for i in now:
                point[i] = end[i] if share == 1 else point[i] + share * (end[i] - point[i])
        mask += (point - before) * slopes
    assert np.allclose(point, x)
    return mask


def test_a_linear_function_s_are_weights_times_difference():
    for options in ({}, {"max_dist": 1, "fraction": 0.1}, {"x_steps": 1}):
        mask = GuidedIG(linear(W), 1).GetMask(X[0], x_baseline=X[1], **{"x_steps": 9, **options})
        np.testing.assert_allclose(mask, W[1] * (X[0] - X[1]), rtol=1e-10, atol=1e-12)


def test_a_path_without_deviation_is_the_straight_one():
    mask = GuidedIG(quadratic([1]), 0).GetMask(X[0], x_steps=8, max_dist=0)
    np.testing.assert_allclose(mask, X[0] ** 2 * np.arange(8).sum() / 64, rtol=1e-12)


@pytest.mark.parametrize(("fraction", "max_dist"), [(0.25, 0.02), (0.1, 0.3), (1, 0.1), (0.01, 1)])
@pytest.mark.parametrize("gradient", [np.square, stairs])
def test_equals_a_slow_reference(fraction, max_dist, gradient):
    baseline = X[::-1] / 2
    options = {"x_steps": 12, "fraction": fraction, "max_dist": max_dist}
    masks = GuidedIG(with_gradient(gradient), 0, batch_size=3).GetMasks(X, x_baseline=saliency.PerSample(baseline), **options)
    for mask, one, start in zip(masks, X, baseline, strict=True):
        expected = reference(gradient, one, start, 12, fraction, max_dist)
        np.testing.assert_allclose(mask.ravel(), expected, atol=1e-10 * np.abs(expected).max())


def test_the_sum_approaches_the_change_of_the_score():
    gaps = []
    for steps in (50, 200, 800):
        details = GuidedIG(hinge(0.3), 0).GetMask(X[0], x_steps=steps, details=True).details
        assert details["change"] == pytest.approx(np.maximum(X[0] - 0.3, 0).sum()) and details["points"] == steps
        gaps.append(abs(details["gap"]) / details["change"])
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2] and gaps[2] < 2e-3


def test_several_baselines_are_averaged_and_targets_differ():
    starts = [0.5, X[3]]
    masks = [GuidedIG(cubic(), 0).GetMask(X[0], x_baseline=one, x_steps=10) for one in starts]
    mean = GuidedIG(cubic(), 0).GetMask(X[0], x_baseline=starts, x_steps=10, details=True)
    np.testing.assert_allclose(mean, np.mean(masks, axis=0), rtol=1e-12)
    assert mean.details["gap"] == pytest.approx(mean.sum() - mean.details["change"])


def test_targets_that_share_an_input_have_paths_of_their_own():
    def f(x):
        return np.tanh(x.reshape(len(x), -1) @ W.reshape(2, -1).T)

    adapter = JacobianAdapter(f, lambda x: (1 - f(x) ** 2)[..., None, None, None] * W * np.cos(x)[:, None])
    masks = GuidedIG(adapter).GetMasks([X[0] / 9] * 2, y=[0, 1], x_steps=9, max_dist=0.4)
    for y, mask in enumerate(masks):
        np.testing.assert_allclose(mask, GuidedIG(adapter, y).GetMask(X[0] / 9, x_steps=9, max_dist=0.4), rtol=1e-9)


def test_it_can_be_smoothed():
    mask = GuidedIG(linear(W), 0).GetSmoothedMask(X[0], x_steps=3, nsamples=4, magnitude=False, seed=1)
    noisy = saliency.InputXGradient(linear(W), 0).GetSmoothedMask(X[0], nsamples=4, magnitude=False, seed=1)
    np.testing.assert_allclose(mask, noisy, rtol=1e-9, atol=1e-12)


def test_a_flat_gradient_and_an_input_that_is_the_baseline_give_zeros():
    for adapter, x in ((linear(0 * W), X[0]), (linear(W), 0 * X[0])):
        with pytest.warns(saliency.ZeroGradientWarning, match="zero everywhere"):
            assert not GuidedIG(adapter, 0).GetMask(x, x_steps=4).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_steps": 0}, "`x_steps` .=0. must be a whole number, 1 or more"),
        ({"fraction": 0}, "`fraction` .=0. must be a finite number, above 0, at most 1"),
        ({"fraction": 1.5}, "`fraction` .=1.5. must be a finite number, above 0, at most 1"),
        ({"max_dist": -0.1}, "`max_dist` .=-0.1. must be a finite number, from 0 to 1"),
        ({"x_baseline": np.zeros(7)}, "`x_baseline` .shape .7,.. must have the input's shape"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(saliency.InputError, match=message):
        GuidedIG(linear(W), 0).GetMask(X[0], **options)
