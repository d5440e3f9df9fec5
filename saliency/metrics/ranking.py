"""Ranks of the positions of a map, with a seeded order of ties."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from saliency.core.warnings import warn


def position_ranks(maps: npt.NDArray[np.float64], seeds: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return the rank of each position of each map: 0 for the largest value.

    Equal values are ordered at random, because their order in memory would favor a corner of the image.

    Args:
        maps: (N, *space).
        seeds: a seed for the ties of each map.

    Returns:
        (N, *space), each map a permutation of 0 to the number of positions - 1.
    """
    flat = maps.reshape(len(maps), -1)
    ranks = np.empty(flat.shape, np.int64)
    for row, values, seed in zip(ranks, flat, seeds, strict=True):
        ties = np.random.default_rng(seed).permutation(len(values))
        row[ties[np.argsort(-values[ties], kind="stable")]] = np.arange(len(values))
    return ranks.reshape(maps.shape)


def tied_fraction(maps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return, for each map, the fraction of its positions that share their value with another one, (N,)."""
    found = []
    for values in maps.reshape(len(maps), -1):
        counts = np.unique(values, return_counts=True)[1]
        found.append(counts[counts > 1].sum() / len(values))
    return np.array(found)


def warn_of_constant_maps(maps: npt.NDArray[np.float64], first: int) -> None:
    """Warn of maps that are constant, whose ranks are random; ``first`` is the index of the first map."""
    flat = maps.reshape(len(maps), -1)
    constant = (np.flatnonzero(flat.max(axis=1) == flat.min(axis=1)) + first).tolist()
    if constant:
        warn(f"`masks`: the map of input {constant} is constant, so the metric ranks its positions at random")
