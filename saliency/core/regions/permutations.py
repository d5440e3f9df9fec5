"""What each region adds to the score, in orders in which the regions become visible."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from saliency.core.regions.coalitions import Coalitions, permutations
from saliency.core.regions.hiding import HostArray, RegionScores

BLOCK = 2**22
"""Largest number of entries of the coalitions that are formed at once."""


def marginal_contributions(scores: RegionScores) -> Callable[[Sequence[np.random.Generator]], HostArray]:
    """Return a function that draws a pair of opposite orders from each generator, and evaluates no coalition twice.

    The function returns what each region adds to the score, averaged over a pair, (pairs, regions, N).
    """
    known, regions = _KnownScores(scores), scores.regions
    block = max(1, BLOCK // (2 * regions * (regions + 1)))

    def contribute(randoms: Sequence[np.random.Generator]) -> HostArray:
        parts = [randoms[i : i + block] for i in range(0, len(randoms), block)]
        return np.concatenate([_contributions(known, permutations(part, regions)) for part in parts])

    return contribute


def _contributions(known: "_KnownScores", ranks: npt.NDArray[np.int64]) -> HostArray:
    """Return the mean contributions over orders and their opposites; ``ranks`` (pairs, regions) are places in the order."""
    regions = ranks.shape[1]
    ranks = np.stack([ranks, regions - 1 - ranks], axis=1)  # (pairs, 2, regions)
    members = ranks[:, :, None, :] < np.arange(regions + 1)[:, None]  # (pairs, 2, regions + 1, regions)
    found = known(members.reshape(-1, regions)).reshape(*members.shape[:3], -1)
    added = np.take_along_axis(np.diff(found, axis=2), ranks[..., None], axis=2)  # (pairs, 2, regions, N)
    return np.asarray(added.mean(axis=1))


class _KnownScores:
    """The scores of coalitions, each of which is evaluated once."""

    def __init__(self, scores: RegionScores) -> None:
        self._scores = scores
        self._rows: dict[bytes, int] = {}
        self._found = np.zeros((0, scores.score.n))

    def __call__(self, members: npt.NDArray[np.bool_]) -> HostArray:
        """Return the scores (coalitions, N) of coalitions (coalitions, regions)."""
        keys = [row.tobytes() for row in np.packbits(members, axis=1)]
        fresh: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key not in self._rows:
                fresh.setdefault(key, i)
        if fresh:
            coalitions: Coalitions = members[list(fresh.values())].astype(np.float64)
            self._rows |= {key: len(self._found) + i for i, key in enumerate(fresh)}
            self._found = np.concatenate([self._found, self._scores(coalitions)])
        return self._found[[self._rows[key] for key in keys]]
