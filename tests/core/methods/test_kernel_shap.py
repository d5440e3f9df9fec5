"""Compare Kernel SHAP with enumerated Shapley values."""

import numpy as np
import pytest

import saliency
from saliency import KernelSHAP
from tests.core.methods.forward_adapter import ForwardAdapter
from tests.core.regions.games import GAMES, REGIONS, WEIGHTS, additive, explain, mixed, shapley_values


@pytest.mark.parametrize("name", GAMES)
def test_all_coalitions_give_the_exact_shapley_values(name):
    mask = explain(KernelSHAP, GAMES[name], nmasks=2**REGIONS - 2)
    np.testing.assert_allclose(mask, shapley_values(GAMES[name]), rtol=1e-8, atol=1e-10)
    assert not mask.details["region_errors"].any()


@pytest.mark.parametrize("n", [2, 3])
def test_two_and_three_regions_need_no_random_coalitions(n):
    def game(z):
        return np.exp(z @ WEIGHTS[:n]) * z[..., 0]

    np.testing.assert_allclose(explain(KernelSHAP, game, n, nmasks=6), shapley_values(game, n), rtol=1e-9)


def test_a_linear_model_is_explained_exactly_by_few_coalitions():
    np.testing.assert_allclose(explain(KernelSHAP, additive, nmasks=40, seed=0), WEIGHTS, rtol=1e-9)


def test_the_standard_error_is_the_spread_over_seeds():
    masks = [explain(KernelSHAP, mixed, nmasks=300, seed=seed) for seed in range(60)]
    spread = np.std(masks, axis=0, ddof=1)
    told = np.sqrt(np.mean([mask.details["region_errors"] ** 2 for mask in masks], axis=0))
    np.testing.assert_allclose(told, spread, rtol=0.4)
    np.testing.assert_allclose(np.mean(masks, axis=0), shapley_values(mixed), atol=5 * spread.max() / np.sqrt(60))
    for mask in masks:
        np.testing.assert_allclose(mask.sum(), mixed(np.ones((1, REGIONS))) - mixed(np.zeros((1, REGIONS))), rtol=1e-9)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_seed_gives_the_same_mask_for_any_batch_size_and_number_of_inputs(size):
    x = np.random.default_rng(0).normal(size=(3, REGIONS))
    model = ForwardAdapter(lambda x: np.stack([additive(x), mixed(x)], 1))
    mask = KernelSHAP(model, batch_size=size, regions=np.arange(REGIONS), seed=7, nmasks=60)
    together = mask.GetMasks(x, y=[1, 0, 1])
    alone = [mask.GetMasks(one[None], y=[y])[0] for one, y in zip(x, (1, 0, 1), strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-8, atol=1e-12)
    assert max(model.batch_sizes) <= size


def test_more_regions_than_coalitions_raise():
    with pytest.raises(saliency.InputError, match=r"`nmasks` \(=19\) must be at least 20, twice the number of regions"):
        explain(KernelSHAP, additive, nmasks=19)
