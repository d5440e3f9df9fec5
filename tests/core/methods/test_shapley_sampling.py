"""Compare sampled Shapley values with their enumeration."""

import tracemalloc

import numpy as np
import pytest

import saliency
from saliency import ShapleySampling
from tests.core.methods.forward_adapter import ForwardAdapter
from tests.core.regions.games import GAMES, REGIONS, WEIGHTS, additive, explain, mixed, product, shapley_values


@pytest.mark.parametrize("name", GAMES)
def test_values_are_within_their_standard_error_of_the_enumerated_ones(name):
    mask = explain(ShapleySampling, GAMES[name], permutations=400, seed=1)
    exact, errors = shapley_values(GAMES[name]), mask.details["region_errors"]
    np.testing.assert_allclose(mask, mask.details["region_values"], rtol=1e-12)
    assert (np.abs(mask - exact) <= 4 * errors + 1e-12).all()
    assert errors.max() < 0.05 * np.abs(exact).max()


def test_the_standard_error_is_the_spread_over_seeds():
    masks = [explain(ShapleySampling, mixed, permutations=40, seed=seed) for seed in range(60)]
    spread = np.std(masks, axis=0, ddof=1)
    told = np.sqrt(np.mean([mask.details["region_errors"] ** 2 for mask in masks], axis=0))
    np.testing.assert_allclose(told, spread, rtol=0.4)
    np.testing.assert_allclose(np.mean(masks, axis=0), shapley_values(mixed), atol=4 * spread.max() / np.sqrt(60))


def test_the_values_add_up_and_pairs_are_exact_for_interactions_of_two():
    interactions = np.triu(np.random.default_rng(3).normal(size=(REGIONS, REGIONS)), 1)

    def pairwise(z):
        return z @ WEIGHTS + np.einsum("ni,ij,nj->n", z, interactions, z)

    mask = explain(ShapleySampling, pairwise, permutations=4, seed=0)
    np.testing.assert_allclose(mask, WEIGHTS + (interactions + interactions.T).sum(axis=1) / 2, rtol=1e-9)
    assert mask.details["region_errors"].max() < 1e-12
    mask = explain(ShapleySampling, product, permutations=4, seed=0)
    np.testing.assert_allclose(mask.sum(), product(np.ones((1, REGIONS))) - 1, rtol=1e-9)


@pytest.mark.parametrize("tolerance", [None, 0.05])
def test_the_scores_of_the_inputs_are_recorded(tolerance):
    def model(x):
        return np.stack([x.sum((1, 2, 3)), (x**2).sum((1, 2, 3)) * x[:, 0, 0, 0]], 1)

    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype("float32")
    masks = ShapleySampling(model).GetMasks(x, y=[0, 1], n_regions=4, permutations=4, tolerance=tolerance, seed=0)
    np.testing.assert_allclose(masks.details["score"], model(x)[[0, 1], [0, 1]], rtol=1e-5)


def test_a_standard_error_needs_half_of_plain_sampling_s_passes():
    """Plain sampling: independent permutations, a pass for every coalition of a permutation."""
    rng, errors = np.random.default_rng(5), []
    for _ in range(200):
        order = rng.permutation(REGIONS)
        ranks = np.argsort(order)
        scores = mixed((ranks < np.arange(REGIONS + 1)[:, None]).astype(float))
        errors.append(np.diff(scores)[ranks])
    plain = np.linalg.norm(np.std(errors, axis=0, ddof=1))  # of one permutation, of REGIONS + 1 passes
    model = ForwardAdapter(lambda x: mixed(x)[:, None])
    mask = ShapleySampling(model, 0).GetMask(np.ones(REGIONS), regions=np.arange(REGIONS), permutations=100, seed=0)
    same_error = (plain / np.linalg.norm(mask.details["region_errors"])) ** 2 * (REGIONS + 1)
    assert sum(model.batch_sizes) < 0.5 * same_error


def test_no_coalition_is_evaluated_twice():
    model = ForwardAdapter(lambda x: x.sum(1)[:, None], keep_inputs=True)
    ShapleySampling(model, 0).GetMask(np.ones(4), regions=np.arange(4), permutations=60, seed=0)
    seen = np.concatenate(model.inputs)
    assert len(seen) == len(np.unique(seen, axis=0)) == 16


def test_memory_does_not_grow_with_the_square_of_the_regions():
    regions = 2000  # the coalitions of a pair of orders would take 64 MB
    model = ForwardAdapter(lambda x: x[:, :1])
    tracemalloc.start()
    try:
        mask = ShapleySampling(model, 0, batch_size=32).GetMask(np.ones(regions), regions=np.arange(regions), permutations=4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6 and sum(model.batch_sizes) > 4 * (regions - 9)
    np.testing.assert_allclose(mask, np.eye(1, regions)[0], atol=1e-12)


def test_a_tolerance_doubles_the_permutations_of_each_input():
    def f(x):
        return np.stack([additive(x), mixed(x)], axis=1)

    mask = ShapleySampling(ForwardAdapter(f), seed=0, permutations=4, tolerance=0.05, regions=np.arange(REGIONS))
    masks = mask.GetMasks(np.ones((2, REGIONS)), y=[0, 1])
    assert masks.details["permutations"][0] == 4 < masks.details["permutations"][1]
    errors, values = (masks.details[name][1] for name in ("region_errors", "region_values"))
    assert np.linalg.norm(errors) <= 0.05 * np.linalg.norm(values)
    with pytest.warns(saliency.ToleranceWarning, match="after 8 permutations"):
        explain(ShapleySampling, mixed, permutations=4, max_permutations=8, tolerance=1e-6, seed=0)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_seed_gives_the_same_mask_for_any_batch_size_and_number_of_inputs(size):
    x = np.random.default_rng(0).normal(size=(3, REGIONS))
    mask = ShapleySampling(ForwardAdapter(lambda x: np.stack([product(x), mixed(x)], 1)), batch_size=size)
    together = mask.GetMasks(x, y=[1, 0, 1], regions=np.arange(REGIONS), seed=7)
    alone = [
        mask.GetMasks(one[None], y=[y], regions=np.arange(REGIONS), seed=7)[0] for one, y in zip(x, (1, 0, 1), strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"permutations": 2}, r"`permutations` \(=2\) must be a whole number, 4 or more"),
        (
            {"permutations": 2 * 10**8},
            r"`permutations` \(=200000000\) times the number of regions \(=10\) must not exceed 268435456",
        ),
        ({"permutations": 10**12}, r"`permutations` \(=1000000000000\) must be a whole number, at most"),
        ({"permutations": 7}, r"`permutations` \(=7\) must be even"),
        ({"tolerance": 0}, r"`tolerance` \(=0\) must be a finite number above 0"),
        ({"tolerance": 0.1, "max_permutations": 8}, r"`max_permutations` \(=8\) must not be less than `permutations` \(=20\)"),
        ({"seed": -1}, r"`seed` \(=-1\)"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        explain(ShapleySampling, additive, **options)
