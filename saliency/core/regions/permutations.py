"""The scores of the coalitions of random orders in which the regions become visible."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.regions.coalitions import Coalitions, permutations
from saliency.core.regions.hiding import HostArray, RegionScores

BLOCK = 2**20
"""Largest number of coalitions that are looked up at once."""

Ranks = npt.NDArray[np.int64]
"""(..., regions): the place of each region in an order, from 0. The first k regions of an order are a coalition."""


class OrderScores(NamedTuple):
    """The scores of the coalitions of pairs of opposite orders.

    Args:
        ranks: (pairs, 2, regions).
        found: the scores when the first 0, 1, ... regions of an order are visible, (pairs, 2, regions + 1, N).
    """

    ranks: Ranks
    found: HostArray


def scores_of_orders(scores: RegionScores) -> Callable[[Sequence[np.random.Generator]], OrderScores]:
    """Return a function that draws a pair of opposite orders from each generator, and evaluates no coalition twice.

    The coalitions of a batch are formed when it is evaluated, so that memory does not grow with the square of the number of
    regions.
    """
    known, regions = _KnownScores(scores), scores.regions
    block = max(1, BLOCK // (2 * (regions + 1)))

    def evaluate(randoms: Sequence[np.random.Generator]) -> OrderScores:
        forward = np.concatenate([permutations(randoms[i : i + block], regions) for i in range(0, len(randoms), block)])
        ranks = np.stack([forward, regions - 1 - forward], axis=1)
        found = [known(ranks[i : i + block].reshape(-1, regions)) for i in range(0, len(ranks), block)]
        return OrderScores(ranks, np.concatenate(found).reshape(len(ranks), 2, regions + 1, -1))

    return evaluate


class _KnownScores:
    """The scores of the coalitions of orders, each of which is evaluated once."""

    def __init__(self, scores: RegionScores) -> None:
        self._scores = scores
        self._rows: dict[bytes, int] = {}
        self._found = np.zeros((0, scores.score.n))
        self._terms = np.random.default_rng(0).integers(2**64, size=(2, scores.regions), dtype=np.uint64)

    def __call__(self, ranks: Ranks) -> HostArray:
        """Return the scores (orders * (regions + 1), N) of the first 0, 1, ... regions of orders."""
        keys, sizes = self._keys(ranks), ranks.shape[1] + 1
        fresh: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key not in self._rows:
                fresh.setdefault(key, i)
        if fresh:
            orders, visible = np.divmod(np.fromiter(fresh.values(), np.int64, len(fresh)), sizes)

            def form(rows: range) -> Coalitions:
                chosen = slice(rows.start, rows.stop)
                return (ranks[orders[chosen]] < visible[chosen, None]).astype(np.float64)

            self._rows |= {key: len(self._found) + i for i, key in enumerate(fresh)}
            self._found = np.concatenate([self._found, self._scores.evaluate(form, len(fresh))])
        return self._found[[self._rows[key] for key in keys]]

    def _keys(self, ranks: Ranks) -> list[bytes]:
        """Return keys of the coalitions: sums of 128 random bits for each region, which differ for different coalitions.

        Any two of a million coalitions have the same key with a probability of about 1e-27.
        """
        in_order = self._terms[:, np.argsort(ranks, axis=1)]  # (2, orders, regions)
        sums = np.cumsum(np.pad(in_order, ((0, 0), (0, 0), (1, 0))), axis=2)  # modulo 2**64
        keys: list[bytes] = np.ascontiguousarray(np.moveaxis(sums, 0, -1)).view("V16").ravel().tolist()
        return keys
