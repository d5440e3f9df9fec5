"""Fidelity of maps of models whose influences are known."""

import numpy as np
import pytest

import saliency
from saliency import InputError
from saliency.core.regions.segmentation import grid_labels
from saliency.metrics import mu_fidelity, sensitivity_n
from saliency.metrics.random_sets import random_sets

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(2, 12, 10))
X = RNG.normal(size=(3, 12, 10, 1)).astype(np.float32)
CLASSES = [1, 0, 1]
CONTRIBUTIONS = WEIGHTS[CLASSES] * X[..., 0]
MODEL = saliency.wrap(lambda x: np.tensordot(x[..., 0], WEIGHTS, axes=((1, 2), (1, 2))), channel_axis=-1)


@pytest.mark.parametrize("metric", [mu_fidelity, sensitivity_n])
def test_contributions_of_a_linear_model_are_perfect(metric):
    np.testing.assert_allclose(metric(MODEL, X, CONTRIBUTIONS, CLASSES, nsets=30).value, 1, atol=1e-4)
    np.testing.assert_allclose(metric(MODEL, X, -CONTRIBUTIONS, CLASSES, nsets=30).value, -1, atol=1e-4)
    assert abs(metric(MODEL, X, RNG.normal(size=(3, 12, 10)), CLASSES, nsets=200).mean) < 0.3


@pytest.mark.parametrize("metric", [mu_fidelity, sensitivity_n])
def test_the_batch_size_does_not_matter(metric):
    maps = RNG.normal(size=(3, 12, 10))
    found = [metric(MODEL, X, maps, CLASSES, nsets=9, batch_size=size).value for size in (1, 7, 32)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-3)


def test_constant_scores_have_no_fidelity():
    constant = saliency.wrap(lambda x: np.ones((len(x), 2)), channel_axis=-1)
    assert np.isnan(sensitivity_n(constant, X, CONTRIBUTIONS, CLASSES).value).all()
    assert np.isnan(mu_fidelity(constant, X, CONTRIBUTIONS, CLASSES).mean)


def test_sets_are_uniform_and_cells_even():
    sets = random_sets(np.random.default_rng(1), 4000, 10, 3)
    assert (sets.sum(axis=1) == 3).all()
    np.testing.assert_allclose(sets.mean(axis=0), 0.3, atol=0.03)
    assert grid_labels((4, 6), 2).tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2
    assert grid_labels((2, 3), None).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_impossible_fractions_are_refused():
    with pytest.raises(InputError, match=r"`fraction` \(=0.001\) must select at least 1"):
        mu_fidelity(MODEL, X, CONTRIBUTIONS, CLASSES, fraction=0.001)
    with pytest.raises(InputError, match=r"`fractions` \(=1.0\)"):
        sensitivity_n(MODEL, X, CONTRIBUTIONS, CLASSES, fractions=[0.1, 1.0])
    with pytest.raises(InputError, match="at least one number"):
        sensitivity_n(MODEL, X, CONTRIBUTIONS, CLASSES, fractions=[])
