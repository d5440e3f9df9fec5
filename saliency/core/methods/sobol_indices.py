"""Sobol indices of regions: their shares of the score's variance under random visibility."""

from functools import partial
from typing import Any, Literal, TypeAlias, final

import numpy as np

from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.regions.coalitions import check_size, uniform
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import HostArray, RegionScores
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown, whole_number

Order: TypeAlias = Literal["total", "first"]
"""A region's share of the variance with all its interactions with others, or alone."""


@final
class SobolIndices(SaliencyMask):
    """Compute the share of the score's variance that a region explains, if all regions fade independently.

    The visibility of each region is uniform between 0 (hidden) and 1. The mask has the input's shape, with equal values in a
    region and in all channels, as a fraction of the variance. It is 0 or more for ``"total"``, up to rounding, and shows
    neither the direction nor the size of the effect. The method uses no gradients.

    ``details`` holds ``labels``, ``region_values`` and ``region_errors``, their standard errors.

    Options:
        regions, n_regions, value: see ``FeatureAblation``.
        ndesigns: number of pairs of random visibilities; each costs one pass per region, and two more.
        order: ``"total"`` (with all interactions; Jansen's estimator) or ``"first"`` (alone; Saltelli's estimator).
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Fel et al., Look at the Variance! Efficient Black-box Explanations with Sobol-based Sensitivity Analysis,
        arXiv:2111.04138. The visibilities are independent here, and not a quasi-random sequence, so that they have a standard
        error.
    """

    differentiates = False
    unit = "fraction of the variance"
    empty = "the score does not change when the regions are faded"

    def masks(
        self,
        score: Score,
        x: Array,
        regions: Any = "grid",
        n_regions: int | None = None,
        value: Any = 0.0,
        ndesigns: int = 32,
        order: Order = "total",
        seed: int | None = None,
    ) -> Array:
        """Return the index of the region of a position."""
        ndesigns = whole_number("ndesigns", ndesigns, least=2)
        if not isinstance(order, str) or order not in ("total", "first"):
            raise InputError(f'`order` (={shown(order)}) must be "total" or "first"')

        def estimate(scores: RegionScores) -> RegionValues:
            check_size("ndesigns", ndesigns, scores.regions)
            drawn = uniform(seed, ndesigns, 2 * scores.regions)
            rows = partial(_rows, drawn[:, : scores.regions], drawn[:, scores.regions :])
            found = scores.evaluate(rows, (scores.regions + 2) * ndesigns).reshape(scores.regions + 2, ndesigns, -1)
            at_one, at_other, *replaced = found - found[:2].mean(axis=(0, 1))  # (designs, N) each
            terms = [0.5 * (at_one - each) ** 2 if order == "total" else at_other * (each - at_one) for each in replaced]
            return _ratios(np.stack(terms), 0.5 * (at_one**2 + at_other**2))

        return explain_regions(score, x, regions, n_regions, value, estimate)


def _rows(one: HostArray, other: HostArray, rows: range) -> HostArray:
    """Return a range of: the first visibilities, the second ones, and for each region the first with its second ones."""
    number, design = np.divmod(np.arange(rows.start, rows.stop), len(one))
    found = np.where(number[:, None] == 1, other[design], one[design])
    mixed = np.flatnonzero(number > 1)
    found[mixed, number[mixed] - 2] = other[design[mixed], number[mixed] - 2]
    return found


def _ratios(terms: HostArray, variances: HostArray) -> RegionValues:
    """Return the means of terms (regions, designs, N) over that of variances (designs, N), with their standard errors."""
    variance = variances.mean(axis=0)
    scale = np.where(variance > 0, variance, 1.0)  # of a constant score, whose terms are 0
    values = terms.mean(axis=1) / scale
    spread = (terms - values[:, None] * variances).std(axis=1, ddof=1)
    return RegionValues(values.T, (spread / scale / np.sqrt(terms.shape[1])).T)
