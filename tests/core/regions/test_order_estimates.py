"""Estimates of Shapley values from orders: unbiased, exact where they must be, and better than marginal contributions."""

from itertools import permutations

import numpy as np
import pytest

from saliency.core.regions import order_estimates
from saliency.core.regions.order_estimates import shapley_estimates
from saliency.core.regions.permutations import OrderScores

FEW = 5


def orders_of(game, forward):
    """Return the scores of orders and their opposites."""
    forward = np.asarray(forward)
    regions = forward.shape[1]
    ranks = np.stack([forward, regions - 1 - forward], axis=1)
    members = ranks[:, :, None] < np.arange(regions + 1)[:, None]  # (pairs, 2, regions + 1, regions)
    return OrderScores(ranks, game(members.reshape(-1, regions).astype(float)).reshape(*members.shape[:3], -1))


def rough(regions, outputs=2):
    """A game with a score of its own for each coalition, besides a linear one."""
    random = np.random.default_rng(regions)
    scores, weights = random.normal(size=(2**regions, outputs)), 5 * random.normal(size=(regions, outputs))
    return lambda z: scores[(z @ 2.0 ** np.arange(regions)).astype(int)] + z @ weights


def drawn(regions, pairs, seed):
    random = np.random.default_rng(seed)
    return [random.permutation(regions) for _ in range(pairs)]


def enumerated(game, regions=FEW):
    """Return the Shapley values by the marginal contributions of all orders, (regions, outputs)."""
    orders = orders_of(game, list(permutations(range(regions))))
    return np.take_along_axis(np.diff(orders.found, axis=2), orders.ranks[..., None], axis=2).mean(axis=(0, 1))


def test_the_pooled_estimate_of_all_orders_is_exact():
    game = rough(FEW)
    ranks, found = orders_of(game, list(permutations(range(FEW))))
    np.testing.assert_allclose(order_estimates._pooled(ranks, found).mean(axis=0), enumerated(game), rtol=1e-10)


@pytest.mark.parametrize("pairs", [9, 10, 16])
def test_the_mean_over_seeds_is_exact_within_its_error(pairs):
    game = rough(FEW)
    means = np.array([shapley_estimates(orders_of(game, drawn(FEW, pairs, seed))).mean(axis=0) for seed in range(1500)])
    errors = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    assert (np.abs(means.mean(axis=0) - enumerated(game)) <= 4 * errors).all()
    assert errors.max() < 0.02


def test_the_values_of_each_pair_add_up_and_columns_do_not_depend_on_each_other():
    game = rough(8)
    orders = orders_of(game, drawn(8, 13, 0))
    found = shapley_estimates(orders)
    change = np.diff(game(np.repeat([[0.0], [1.0]], 8, axis=1)), axis=0)
    np.testing.assert_allclose(found.sum(axis=1), np.repeat(change, 13, axis=0), rtol=1e-10)
    for column in range(2):
        alone = shapley_estimates(OrderScores(orders.ranks, orders.found[..., column : column + 1]))
        np.testing.assert_allclose(found[..., column : column + 1], alone, rtol=1e-9, atol=1e-12)


def test_interactions_of_two_are_exact():
    random = np.random.default_rng(1)
    weights, interactions = random.normal(size=12), np.triu(random.normal(size=(12, 12)), 1)
    orders = orders_of(lambda z: z @ weights + np.einsum("ni,ij,nj->n", z, interactions, z), drawn(12, 10, 0))
    exact = weights + (interactions + interactions.T).sum(axis=1) / 2
    np.testing.assert_allclose(shapley_estimates(orders)[..., 0], np.tile(exact, (10, 1)), atol=1e-6)


def test_a_rough_score_has_a_smaller_variance_than_by_marginal_contributions():
    orders = orders_of(rough(14), drawn(14, 40, 0))
    marginal, found = order_estimates._marginal(orders), shapley_estimates(orders)
    assert found.var(axis=0).sum() < 0.6 * marginal.var(axis=0).sum()


def test_few_pairs_and_many_regions_have_marginal_contributions(monkeypatch):
    orders = orders_of(rough(FEW), drawn(FEW, 10, 0))
    few = OrderScores(*(one[:9] for one in orders))
    np.testing.assert_array_equal(shapley_estimates(few), order_estimates._marginal(few))
    assert (shapley_estimates(orders) != order_estimates._marginal(orders)).any()
    monkeypatch.setattr(order_estimates, "MAX_REGIONS", FEW - 1)
    np.testing.assert_array_equal(shapley_estimates(orders), order_estimates._marginal(orders))


def test_two_regions_which_leave_the_linear_function_open():
    orders = orders_of(rough(2), drawn(2, 12, 0))
    np.testing.assert_allclose(shapley_estimates(orders).mean(axis=0), enumerated(rough(2), 2), rtol=1e-6)
