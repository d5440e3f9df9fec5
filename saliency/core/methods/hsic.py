"""HSIC: the dependence of the score on the visibility of each region."""

from typing import Any, final

import numpy as np

from saliency.core.mask import SaliencyMask
from saliency.core.regions.coalitions import Coalitions, check_size, independent
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import HostArray, RegionScores
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number

MAX_MASKS = 10_000
"""Largest number of coalitions; the matrices of all pairs take 4 GB."""


@final
class HSIC(SaliencyMask):
    """Measure the dependence between a region's visibility and the score, by the Hilbert-Schmidt independence criterion.

    The mask has the input's shape, with equal values in a region and in all channels. It has no unit, is 0 or more, and shows
    no direction. The kernel of the visibility is 1 if two coalitions agree on the region, otherwise 0. The kernel of the score
    is Gaussian; its width is the median distance of two scores. The method uses no gradients.

    ``details`` holds ``labels``, ``region_values`` and ``region_errors``, their standard errors.

    Options:
        regions, n_regions, value: see ``FeatureAblation``.
        nmasks: number of coalitions, one pass each, at most 10000, because each is compared with each; a region is visible
            with probability 1/2.
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Novello, Fel & Vigouroux, Making Sense of Dependence: Efficient Black-box Explanations Using Dependence Measure,
        arXiv:2206.06219.
    """

    differentiates = False
    empty = "the score does not change when any of the regions is hidden"

    def masks(
        self,
        score: Score,
        x: Array,
        regions: Any = "grid",
        n_regions: int | None = None,
        value: Any = 0.0,
        nmasks: int = 1000,
        seed: int | None = None,
    ) -> Array:
        """Return trace(K H L H) / (n - 1)^2 for the kernel matrices K of a region's visibility and L of the scores."""
        nmasks = whole_number("nmasks", nmasks, least=4, most=MAX_MASKS)

        def estimate(scores: RegionScores) -> RegionValues:
            check_size("nmasks", nmasks, scores.regions)
            members = independent(seed, nmasks, scores.regions)
            rows = [_dependence(members, of_input) for of_input in scores(members).T]
            return RegionValues(np.stack([values for values, _ in rows]), np.stack([errors for _, errors in rows]))

        return explain_regions(score, x, regions, n_regions, value, estimate)


def _dependence(members: Coalitions, found: HostArray) -> tuple[HostArray, HostArray]:
    """Return the criterion of each region for the scores (coalitions,) of one input, and its standard error."""
    n, signs = len(found), 2.0 * members - 1.0
    centered = _score_kernel(found)
    centered -= centered.mean(axis=0)
    centered -= centered.mean(axis=1, keepdims=True)  # H L H
    # K = (1 + s s^T) / 2 for the signs s of a region's visibility, and H L H 1 = 0
    terms = 0.5 * signs * (centered @ signs) * (n / (n - 1)) ** 2 / n  # (coalitions, regions)
    return terms.mean(axis=0), 2.0 * terms.std(axis=0, ddof=1) / np.sqrt(n)


def _score_kernel(found: HostArray) -> HostArray:
    """Return the Gaussian kernel matrix of scores (n,), whose width is the median distance; ones if all are equal."""
    distances = np.abs(found[:, None] - found)
    apart = distances[np.triu_indices(len(found), 1)]
    width = float(np.median(apart)) or float(apart.mean()) or 1.0
    return np.asarray(np.exp(-0.5 * (distances / width) ** 2))
