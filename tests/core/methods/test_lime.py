"""Compare LIME with a linear model, and with the ridge regression of scikit-learn."""

import numpy as np
import pytest

import saliency
from saliency import LIME
from tests.core.methods.forward_adapter import ForwardAdapter
from tests.core.regions.games import REGIONS, WEIGHTS, additive, explain, mixed


def test_a_linear_model_is_explained_exactly_without_a_penalty():
    mask = explain(LIME, additive, nmasks=40, seed=0, ridge=0)
    np.testing.assert_allclose(mask, WEIGHTS, rtol=1e-8)
    assert mask.details["region_errors"].max() < 1e-9


@pytest.mark.parametrize(("width", "ridge"), [(0.25, 1.0), (0.1, 20.0)])
def test_it_is_the_weighted_ridge_regression_of_scikit_learn(width, ridge):
    linear_model = pytest.importorskip("sklearn.linear_model")
    distances = pytest.importorskip("sklearn.metrics.pairwise").cosine_distances
    model = ForwardAdapter(lambda x: mixed(x)[:, None], keep_inputs=True)
    mask = LIME(model, 0).GetMask(
        np.ones(REGIONS), regions=np.arange(REGIONS), nmasks=200, kernel_width=width, ridge=ridge, seed=3
    )
    seen = np.concatenate(model.inputs)
    assert seen.shape == (200, REGIONS) and seen[0].all()
    weights = np.sqrt(np.exp(-(distances(seen, np.ones((1, REGIONS)))[:, 0] ** 2) / width**2))  # as the package lime has them
    expected = linear_model.Ridge(alpha=ridge).fit(seen, mixed(seen), sample_weight=weights).coef_
    np.testing.assert_allclose(mask, expected, rtol=1e-8)


def test_the_standard_error_is_the_spread_over_seeds():
    masks = [explain(LIME, mixed, nmasks=200, seed=seed, ridge=0) for seed in range(60)]
    told = np.sqrt(np.mean([mask.details["region_errors"] ** 2 for mask in masks], axis=0))
    np.testing.assert_allclose(told, np.std(masks, axis=0, ddof=1), rtol=0.45)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nmasks": 10**9}, r"`nmasks` \(=1000000000\) times the number of regions \(=10\) must not exceed 268435456"),
        ({"nmasks": 11}, r"`nmasks` \(=11\) must be at least 12, the number of regions plus 2"),
        ({"kernel_width": 0}, r"`kernel_width` \(=0\) must be a finite number"),
        ({"ridge": -1}, r"`ridge` \(=-1\) must be a finite number, 0 or more"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        explain(LIME, additive, **options)
