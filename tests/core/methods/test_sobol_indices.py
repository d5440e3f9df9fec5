"""Compare Sobol indices with closed forms: Ishigami's function and a product."""

import numpy as np
import pytest

import saliency
from saliency import SobolIndices
from tests.core.regions.games import additive, explain


def ishigami(z):
    """Ishigami's function of visibilities 0 to 1, for angles from -pi to pi."""
    x = np.pi * (2 * z - 1)
    return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])


ALONE = np.array([0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2, 49 / 8, 0.0])
TOGETHER = 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)  # the interaction of the first and the third
VARIANCE = ALONE.sum() + TOGETHER
EXACT = {"total": (ALONE + TOGETHER * np.array([1, 0, 1])) / VARIANCE, "first": ALONE / VARIANCE}


@pytest.mark.parametrize("order", EXACT)
def test_ishigami_s_function_has_its_closed_form_indices(order):
    mask = explain(SobolIndices, ishigami, 3, batch_size=2000, ndesigns=6000, order=order, seed=0)
    errors = mask.details["region_errors"]
    assert (np.abs(mask - EXACT[order]) < 4 * errors).all() and errors.max() < 0.03


def test_the_standard_error_is_the_spread_over_seeds():
    masks = [explain(SobolIndices, ishigami, 3, ndesigns=200, seed=seed) for seed in range(60)]
    told = np.sqrt(np.mean([mask.details["region_errors"] ** 2 for mask in masks], axis=0))
    np.testing.assert_allclose(told, np.std(masks, axis=0, ddof=1), rtol=0.4)


def test_an_additive_function_has_shares_of_squared_weights():
    weights = np.array([3.0, -2.0, 1.0, 0.0])
    for order in EXACT:
        mask = explain(SobolIndices, lambda z: z @ weights + 100, 4, ndesigns=2000, seed=1, order=order, batch_size=2000)
        assert (np.abs(mask - weights**2 / 14) <= 4 * mask.details["region_errors"] + 1e-12).all()


def test_a_constant_score_has_indices_of_zero():
    with pytest.warns(saliency.ZeroGradientWarning, match="does not change when the regions are faded"):
        assert not explain(SobolIndices, lambda z: 0 * z[..., 0] + 2, seed=0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"ndesigns": 1}, r"`ndesigns` \(=1\) must be a whole number, 2"), ({"order": 2}, r'`order` \(=2\) must be "total" or')],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        explain(SobolIndices, additive, **options)
