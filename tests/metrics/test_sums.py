"""Completeness and infidelity of maps of linear models, whose scores are sums."""

import numpy as np
import pytest

import saliency
from saliency.metrics import completeness, infidelity

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(2, 6, 5, 3))
X = RNG.normal(size=(3, 6, 5, 3)).astype(np.float32)
CLASSES = [1, 0, 1]
MODEL = saliency.wrap(lambda x: np.tensordot(x, WEIGHTS, axes=((1, 2, 3), (1, 2, 3))) + 4, channel_axis=-1)
GRADIENTS = WEIGHTS[CLASSES]


def test_contributions_of_a_linear_model_are_complete():
    contributions = GRADIENTS * (X - 0.5)
    np.testing.assert_allclose(completeness(MODEL, X, contributions, CLASSES, baseline=0.5).value, 0, atol=1e-5)
    half = completeness(MODEL, X, contributions / 2, CLASSES, baseline=0.5, batch_size=2)
    np.testing.assert_allclose(half.value, np.abs(contributions.sum(axis=(1, 2, 3))) / 2, rtol=1e-5)
    np.testing.assert_allclose(half.details["difference"], contributions.sum(axis=(1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_the_gradient_of_a_linear_model_has_no_infidelity():
    np.testing.assert_allclose(infidelity(MODEL, X, GRADIENTS, CLASSES).value, 0, atol=1e-8)


def test_infidelity_of_a_map_of_zeros_is_the_variance_of_the_change():
    found = infidelity(MODEL, X, np.zeros((3, 6, 5)), CLASSES, noise=0.2, nsamples=4000)
    spans = X.reshape(3, -1).max(axis=1) - X.reshape(3, -1).min(axis=1)
    expected = (0.2 * spans) ** 2 * (GRADIENTS.sum(axis=-1) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(found.value, expected, rtol=0.1)


def test_scaling_removes_the_unit():
    assert infidelity(MODEL, X, 7 * GRADIENTS, CLASSES).value.min() > 0.01
    np.testing.assert_allclose(infidelity(MODEL, X, 7 * GRADIENTS, CLASSES, scaled=True).value, 0, atol=1e-8)


@pytest.mark.parametrize("size", [1, 7])
def test_the_batch_size_does_not_matter(size):
    maps = RNG.normal(size=(3, 6, 5))
    expected = infidelity(MODEL, X, maps, CLASSES, nsamples=9).value
    np.testing.assert_allclose(infidelity(MODEL, X, maps, CLASSES, nsamples=9, batch_size=size).value, expected, rtol=1e-5)
