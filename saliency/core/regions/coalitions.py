"""Samples of coalitions, sets of regions that stay visible, from a seed."""

from collections.abc import Sequence
from itertools import product
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.noise import Noise, sample_seeds

Coalitions = npt.NDArray[np.float64]
"""(coalitions, regions): 1 if a region is visible, 0 if it is hidden, or a number in between."""


MAX_ENTRIES = 2**28
"""Largest number of coalitions times regions of a run, whose visibilities take 2 GiB."""


def check_size(name: str, n: int, regions: int) -> None:
    """Check that n coalitions, or orders, of the regions fit into memory.

    Raises:
        InputError: if not; ``name`` is the option that sets n.
    """
    if n * regions > MAX_ENTRIES:
        raise InputError(
            f"`{name}` (={n}) times the number of regions (={regions}) must not exceed {MAX_ENTRIES}, to fit into memory; "
            "choose fewer, or divide the input into fewer regions"
        )


def generators(seed: int | None, n: int) -> list[np.random.Generator]:
    """Return n random generators; the first ones do not depend on n. A seed of None draws one."""
    return [np.random.default_rng(one) for one in sample_seeds(Noise.of(0.0, seed).seed, n)]


def whole_and_without_each(regions: int, rows: range) -> Coalitions:
    """Return a range of: the coalition of all regions, and those that lack one, (rows, regions)."""
    members = np.ones((len(rows), regions))
    lacking = np.arange(rows.start, rows.stop) - 1
    members[lacking >= 0, lacking[lacking >= 0]] = 0.0
    return members


def independent(seed: int | None, n: int, regions: int) -> Coalitions:
    """Draw n coalitions that contain each region with probability 1/2."""
    return np.array([random.random(regions) < 0.5 for random in generators(seed, n)], np.float64)


def uniform(seed: int | None, n: int, regions: int) -> Coalitions:
    """Draw n rows of visibilities that are uniform between 0 and 1."""
    return np.array([random.random(regions) for random in generators(seed, n)])


def permutations(randoms: Sequence[np.random.Generator], regions: int) -> npt.NDArray[np.int64]:
    """Draw one order of the regions from each generator, (generators, regions)."""
    return np.array([random.permutation(regions) for random in randoms], np.int64)


class WeightedCoalitions(NamedTuple):
    """Coalitions with their weights.

    Args:
        members: (coalitions, regions); the coalitions 2 i and 2 i + 1 are complements.
        weights: (coalitions,).
        complete: whether these are all coalitions but the empty and the full one.
    """

    members: Coalitions
    weights: npt.NDArray[np.float64]
    complete: bool


def shapley_kernel(seed: int | None, n: int, regions: int) -> WeightedCoalitions:
    """Return coalitions weighted by the Shapley kernel: all of them if they are at most n, otherwise n // 2 random pairs.

    The kernel gives the coalitions of s of R regions the total weight (R - 1) / (s (R - s)).
    """
    sizes = np.arange(1, regions)
    share = 1.0 / (sizes * (regions - sizes))
    if regions < 31 and 2**regions - 2 <= n:
        first = np.array(list(product((0.0, 1.0), repeat=regions - 1)))
        members = _with_complements(np.insert(first, 0, 1.0, axis=1)[:-1])
        size = members.sum(axis=1).astype(int)
        number = np.array([comb(regions, int(one)) for one in size], np.float64)
        return WeightedCoalitions(members, share[size - 1] / number, True)
    drawn = np.zeros((n // 2, regions))
    for row, random in zip(drawn, generators(seed, n // 2), strict=True):
        row[random.permutation(regions)[: random.choice(sizes, p=share / share.sum())]] = 1.0
    return WeightedCoalitions(_with_complements(drawn), np.ones(2 * len(drawn)), False)


def _with_complements(members: Coalitions) -> Coalitions:
    return np.stack([members, 1.0 - members], axis=1).reshape(-1, members.shape[1])
