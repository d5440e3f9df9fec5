"""Functions of ten regions, whose Shapley values follow from their definition."""

from itertools import combinations
from math import factorial

import numpy as np

from tests.core.methods.forward_adapter import ForwardAdapter

REGIONS = 10
RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=REGIONS)
FACTORS = RNG.uniform(-0.5, 0.8, size=REGIONS)


def additive(z):
    return 3.0 + z @ WEIGHTS


def product(z):
    return np.prod(1.0 + z * FACTORS, axis=-1)


def mixed(z):
    return np.tanh(z @ WEIGHTS) + z[..., 0] * z[..., 3] * z[..., 7] - 2.0 * (1.0 - z[..., 4]) * z[..., 5]


GAMES = {"additive": additive, "product": product, "mixed": mixed}


def shapley_values(game, n=REGIONS):
    """Return the Shapley values of the n regions of a game, by enumeration of all coalitions."""
    values = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            sets = np.zeros((len(list(combinations(others, size))), n))
            for row, members in zip(sets, combinations(others, size), strict=True):
                row[list(members)] = 1.0
            added = sets.copy()
            added[:, i] = 1.0
            values[i] += weight * (game(added) - game(sets)).sum()
    return values


def explain(method, game, n=REGIONS, batch_size=64, **options):
    """Return the mask of a game whose n regions are the n entries of an input of ones, hidden by zeros."""
    adapter = ForwardAdapter(lambda x: game(x)[:, None])
    return method(adapter, 0, batch_size=batch_size).GetMask(np.ones(n), regions=np.arange(n), **options)
