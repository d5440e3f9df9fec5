"""Explanations of regions equal Captum's: exactly, or within their standard errors."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.core.regions.segmentation import grid_labels

captum = pytest.importorskip("captum.attr")
LABELS = grid_labels((12, 12), 3)
X = np.random.default_rng(0).normal(size=(3, 12, 12)).astype(np.float32)
CLASS = 1


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, 2), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)
    ).eval()


def theirs(method, **options):
    """Return Captum's values of the regions."""
    torch.manual_seed(0)
    mask = torch.tensor(LABELS)[None, None]
    found = method.attribute(torch.tensor(X)[None], target=CLASS, feature_mask=mask, **options)[0, 0].detach().numpy()
    return np.array([found[label == LABELS][0] for label in range(9)])


def ours(method, model, **options):
    return method(model, CLASS, regions=LABELS, batch_size=32).GetMask(X, **options).details


def test_feature_ablation_is_captum_s(model):
    expected = theirs(captum.FeatureAblation(model))
    np.testing.assert_allclose(ours(saliency.FeatureAblation, model)["region_values"], expected, rtol=1e-4, atol=1e-6)


def test_shapley_values_are_captum_s(model):
    """All 510 coalitions give the exact values, which both libraries sample."""
    exact = ours(saliency.KernelSHAP, model, nmasks=510)["region_values"]
    found = ours(saliency.ShapleySampling, model, permutations=60, seed=0)
    assert (np.abs(found["region_values"] - exact) < 4 * found["region_errors"]).all()
    sampled = theirs(captum.ShapleyValueSampling(model), n_samples=60, perturbations_per_eval=9)
    fitted = theirs(captum.KernelShap(model), n_samples=1000, perturbations_per_eval=100)
    for values in (sampled, fitted):
        assert np.linalg.norm(values - exact) < 0.15 * np.linalg.norm(exact)
    assert np.linalg.norm(found["region_values"] - exact) < np.linalg.norm(sampled - exact)  # 60 that are not in pairs
