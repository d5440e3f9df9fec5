"""Kernel SHAP: Shapley values of regions by weighted least squares."""

from typing import Any, final

import numpy as np

from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.regions.coalitions import WeightedCoalitions, check_size, shapley_kernel
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import HostArray, RegionScores
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@final
class KernelSHAP(SaliencyMask):
    """Fit an additive function of the visible regions to the scores of random coalitions, weighted by the Shapley kernel.

    The mask has the input's shape, with equal values in a region and in all channels, in score units. The values of all
    regions add up to the score of the input minus that with everything hidden. They approximate Shapley values, and equal them
    if all coalitions are evaluated. The method uses no gradients.

    Coalitions are drawn in pairs of complements. ``details`` holds ``labels``, ``region_values`` and ``region_errors``, their
    standard errors.

    Options:
        regions, n_regions, value: see ``FeatureAblation``.
        nmasks: number of coalitions, one pass each, at least twice the number of regions. If there are no more coalitions than
            that, each is evaluated once.
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, arXiv:1705.07874; the pairs: Covert & Lee,
        Improving KernelSHAP: Practical Shapley Value Estimation via Linear Regression, arXiv:2012.01536.
    """

    differentiates = False
    unit = SCORE
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
        """Return the weights of the additive function that is exact for the visible and the hidden input."""
        nmasks = whole_number("nmasks", nmasks, least=2)

        def estimate(scores: RegionScores) -> RegionValues:
            check_size("nmasks", min(nmasks, 2**scores.regions), scores.regions)
            drawn = shapley_kernel(seed, nmasks, scores.regions)
            if not drawn.complete and nmasks < 2 * scores.regions:
                raise InputError(
                    f"`nmasks` (={nmasks}) must be at least {2 * scores.regions}, twice the number of regions; "
                    "divide the input into fewer regions, or draw more coalitions"
                )
            ends = np.repeat([[1.0], [0.0]], scores.regions, axis=1)  # all visible, all hidden
            found = scores(np.concatenate([ends, drawn.members]), starts_with_whole=True)
            return _weighted_fit(drawn, found[2:], full=found[0], empty=found[1])

        return explain_regions(score, x, regions, n_regions, value, estimate)


def _weighted_fit(drawn: WeightedCoalitions, found: HostArray, full: HostArray, empty: HostArray) -> RegionValues:
    """Minimize the weighted squared residuals of z @ values = score(z) - empty, where all values add up to full - empty."""
    members, weights = drawn.members, drawn.weights
    moments = members.T @ (weights[:, None] * members)
    if np.linalg.matrix_rank(moments) < len(moments):
        raise InputError(f"`nmasks` (={len(members)}) is too small: the drawn coalitions do not tell all regions apart")
    inverse = np.linalg.inv(moments)
    share = inverse.sum(axis=1) / inverse.sum()
    fit = (inverse - np.outer(share, inverse.sum(axis=0))) @ (members * weights[:, None]).T  # (regions, coalitions)
    values = fit @ (found - empty) + np.outer(share, full - empty)
    if drawn.complete:
        return RegionValues(values.T)
    residuals = found - empty - members @ values
    halves = residuals[::2] - residuals[1::2]  # of a pair, whose rows of the fit are opposite
    freedom = max(1, len(halves) - len(values) + 1)
    errors = np.sqrt(fit[:, ::2] ** 2 @ halves**2 * len(halves) / freedom)
    return RegionValues(values.T, errors.T)
