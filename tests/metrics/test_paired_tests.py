"""Intervals and tests against closed forms."""

import numpy as np
import pytest

from saliency.metrics.paired_tests import bootstrap_interval, holm, sign_flip_test


def test_sign_flip_test_of_small_samples_is_exact():
    rng = np.random.default_rng(0)
    assert sign_flip_test(np.array([1.0, 2, 3, 4, 5]), rng) == 2 / 32  # only all plus and all minus are as extreme
    assert sign_flip_test(np.array([1.0, -1.0]), rng) == 1
    assert sign_flip_test(np.zeros(5), rng) == 1


def test_sign_flip_test_of_large_samples_is_uniform_under_the_hypothesis():
    rng = np.random.default_rng(0)
    p_values = np.array([sign_flip_test(rng.normal(size=20), rng) for _ in range(100)])
    assert 0.4 < p_values.mean() < 0.6
    assert sign_flip_test(rng.normal(1, 0.5, 40), rng) < 1e-3


def test_bootstrap_interval_is_close_to_the_normal_one():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, 400)
    low, high = bootstrap_interval(values, rng)
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)
    assert np.isnan(bootstrap_interval(values[:1], rng)).all()


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1, 1])
