"""Input times gradient against closed forms."""

import numpy as np

from saliency import InputXGradient
from tests.reference import linear, quadratic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 2, 4, 5))
W = RNG.normal(size=(2, 2, 4, 5))


def test_a_linear_function_s_numbers_sum_to_its_score():
    adapter = linear(W)
    masks = InputXGradient(adapter).GetMasks(X, y=[0, 1, 1])
    np.testing.assert_allclose(masks.reshape(3, -1).sum(1), adapter.f(X)[[0, 1, 2], [0, 1, 1]])
    np.testing.assert_array_equal(masks[1], X[1] * W[1])


def test_a_homogeneous_function_s_numbers_sum_to_its_degree_times_the_score():
    x = X[0].copy()
    mask = InputXGradient(quadratic([1, 3]), 1).GetMask(x)
    np.testing.assert_allclose(mask.sum(), 2 * 3 * (x**2).sum() / 2)
    np.testing.assert_array_equal(x, X[0])


def test_the_sign_is_kept_and_a_modifier_changes_the_gradient_alone():
    np.testing.assert_array_equal(InputXGradient(linear(-W), 0).GetMask(X[0]), -X[0] * W[0])
    np.testing.assert_array_equal(InputXGradient(linear(W), 0, modifier="absolute").GetMask(X[0]), X[0] * np.abs(W[0]))


def test_smoothing_multiplies_each_copy_s_gradient_with_the_copy():
    # f = |x|^2 / 2: the mean of (x + n)^2 is x^2 + sigma^2
    masks = [InputXGradient(quadratic([1]), 0).GetSmoothedMask(X[0], nsamples=200, magnitude=False, seed=i) for i in range(20)]
    sigma = 0.15 * np.ptp(X[0])
    error = np.std(masks, axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(np.mean(masks, axis=0) - X[0] ** 2 - sigma**2) < 4.5 * error).all()
