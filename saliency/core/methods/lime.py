"""LIME: a local linear model of the visible regions."""

from typing import Any, final

import numpy as np

from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.regions.coalitions import Coalitions, check_size, independent
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import HostArray, RegionScores
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import real_number, whole_number


@final
class LIME(SaliencyMask):
    """Fit a linear function of the visible regions to the scores of random coalitions, by weighted ridge regression.

    The mask has the input's shape, with equal values in a region and in all channels, in score units. The method uses no
    gradients. A coalition z of R regions, of which s are visible, has the weight exp(-d^2 / (2 kernel_width^2)), where
    d = 1 - sqrt(s / R) is its cosine distance from the whole input.

    ``details`` holds ``labels``, ``region_values`` and ``region_errors``, their standard errors.

    Options:
        regions, n_regions, value: see ``FeatureAblation``.
        nmasks: number of coalitions, one pass each, at least the number of regions plus 2; the first is the whole input.
        kernel_width: how fast the weight decreases; the package ``lime`` uses 0.25.
        ridge: penalty of the squared weights of the regions, 0 or more; the package ``lime`` uses 1.
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Ribeiro, Singh & Guestrin, "Why Should I Trust You?": Explaining the Predictions of Any Classifier, arXiv:1602.04938.
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
        kernel_width: float = 0.25,
        ridge: float = 1.0,
        seed: int | None = None,
    ) -> Array:
        """Return the slopes of the linear function."""
        nmasks, width = whole_number("nmasks", nmasks, least=2), real_number("kernel_width", kernel_width, least=1e-3)
        penalty = real_number("ridge", ridge, least=0.0)

        def estimate(scores: RegionScores) -> RegionValues:
            check_size("nmasks", nmasks, scores.regions)
            if nmasks < scores.regions + 2:
                raise InputError(
                    f"`nmasks` (={nmasks}) must be at least {scores.regions + 2}, the number of regions plus 2; "
                    "divide the input into fewer regions, or draw more coalitions"
                )
            members = independent(seed, nmasks, scores.regions)
            members[0] = 1.0
            return _ridge_fit(members, _weights(members, width), penalty, scores(members, starts_with_whole=True))

        return explain_regions(score, x, regions, n_regions, value, estimate)


def _weights(members: Coalitions, width: float) -> HostArray:
    distance = 1.0 - np.sqrt(members.mean(axis=1))
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2))


def _ridge_fit(members: Coalitions, weights: HostArray, penalty: float, found: HostArray) -> RegionValues:
    """Fit scores (coalitions, N) with an intercept, which is not penalized; the errors allow for unequal variances."""
    centered = members - weights @ members / weights.sum()
    normal = centered.T @ (weights[:, None] * centered) + penalty * np.eye(members.shape[1])
    if np.linalg.matrix_rank(normal) < len(normal):
        raise InputError(f"`nmasks` (={len(members)}) is too small: the drawn coalitions do not tell all regions apart")
    fit = np.linalg.solve(normal, (centered * weights[:, None]).T)  # (regions, coalitions)
    around = found - weights @ found / weights.sum()
    values = fit @ around
    residuals = around - centered @ values
    freedom = max(1, len(members) - len(values) - 1)
    errors = np.sqrt(fit**2 @ residuals**2 * len(members) / freedom)
    return RegionValues(values.T, errors.T)
