"""Shapley values of regions, from pairs of opposite permutations."""

from typing import Any, final

import numpy as np

from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.noise import Noise
from saliency.core.numerics.tolerance import check_tolerance, should_stop
from saliency.core.regions.coalitions import check_size, generators
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import HostArray, RegionScores
from saliency.core.regions.order_estimates import shapley_estimates
from saliency.core.regions.permutations import OrderScores, scores_of_orders
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@final
class ShapleySampling(SaliencyMask):
    """Average what a region adds to the score, over random orders in which the regions become visible.

    The mask has the input's shape, with equal values in a region and in all channels, in score units. The values of all
    regions add up to the score of the input minus that with everything hidden. The method uses no gradients.

    Each order is evaluated forward and backward, which removes the error of interactions of two regions. Coalitions that
    orders share are evaluated once. With 20 orders or more, and at most 500 regions, a cross-fitted linear function of the
    visible regions reduces the variance; the values remain unbiased. ``details`` holds ``labels``, ``region_values``,
    ``region_errors`` (their standard errors) and ``permutations``, the number of orders.

    Options:
        regions, n_regions, value: see ``FeatureAblation``.
        permutations: number of orders, an even number of 4 or more; each costs one pass per region. With a tolerance, the
            number to start with.
        tolerance: double the number of orders until ``norm(standard errors) <= tolerance * norm(values)``, for each input;
            None never does.
        max_permutations: with a tolerance, the largest number of orders. If it does not suffice, a ``ToleranceWarning`` is
            issued.
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Castro, Gomez & Tejada, Polynomial calculation of the Shapley value based on sampling, Computers & Operations Research
        36 (2009); the pairs: Mitchell et al., Sampling Permutations for Shapley Value Estimation, arXiv:2104.12199; the linear
        function: Witter, Liu & Musco, Regression-adjusted Monte Carlo Estimators for Shapley Values and Probabilistic Values,
        arXiv:2506.11849.
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
        permutations: int = 20,
        tolerance: float | None = None,
        max_permutations: int = 1000,
        seed: int | None = None,
    ) -> Array:
        """Return the mean increase in score when the region of a position is added."""
        start, most = _numbers_of_pairs(permutations, tolerance, max_permutations)
        drawn = Noise.of(0.0, seed).seed

        def estimate(scores: RegionScores) -> RegionValues:
            evaluate, parts, done, goal = scores_of_orders(scores), [], 0, start
            while True:
                check_size("permutations" if tolerance is None else "max_permutations", 2 * goal, scores.regions)
                parts.append(evaluate(generators(drawn, goal)[done:]))
                orders = OrderScores(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
                values, errors = _mean_and_error(shapley_estimates(orders))
                relative, done = float(np.linalg.norm(errors)) / (float(np.linalg.norm(values)) or 1.0), goal
                goal = min(2 * done, most)
                error_name = f"relative standard error after {2 * done} permutations"
                if should_stop(relative, tolerance, goal <= done, error_name, "max_permutations"):
                    scores.score.record(permutations=2 * done)
                    scores.record_whole(scores.score.adapter.asarray(orders.found[0, 0, -1]))  # the last of any order
                    return RegionValues(values, errors)

        return explain_regions(score, x, regions, n_regions, value, estimate, separately=tolerance is not None)


def _numbers_of_pairs(permutations: Any, tolerance: Any, max_permutations: Any) -> tuple[int, int]:
    """Return the number of pairs to start with, and the largest one."""
    check_tolerance(tolerance)
    start, most = (
        whole_number(name, value, least=4)
        for name, value in (("permutations", permutations), ("max_permutations", max_permutations))
    )
    if start % 2:
        raise InputError(f"`permutations` (={start}) must be even: permutations are drawn in pairs of opposite order")
    if tolerance is None:
        return start // 2, start // 2
    if most < start:
        raise InputError(f"`max_permutations` (={most}) must not be less than `permutations` (={start})")
    return start // 2, most // 2


def _mean_and_error(pairs: HostArray) -> tuple[HostArray, HostArray]:
    errors = pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    return pairs.mean(axis=0).T, errors.T
