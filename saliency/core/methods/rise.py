"""RISE: the mean score of randomly masked inputs in which a pixel is visible."""

from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baseline
from saliency.core.methods.random_masks import RandomMasks
from saliency.core.methods.rise_estimate import Estimate, controlled_estimate, plain_estimate
from saliency.core.noise import Noise, sample_seeds
from saliency.core.numerics.tolerance import check_tolerance, should_stop
from saliency.core.points import values_of_points
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@final
class RISE(SaliencyMask):
    """Average the score over random masks in which a pixel is visible, and subtract the mean score over all masks.

    The mask has the input's shape, with equal values in all channels, in score units. The method uses no gradients.

    The paper's map is not centered. Here the mean score is subtracted, so that a pixel without influence gets 0, up to the
    noise of a finite number of masks.

    By default, a control variate reduces this noise: a linear function of the mask is fitted to the scores, its map is
    computed exactly, and the random masks only estimate the map of its residuals. Each residual is computed by a fit to other
    masks (cross-fitting), so the estimate is unbiased. Without the control variate, the map is the paper's mean.

    Options:
        nmasks: number of random masks; with a tolerance, the number to start with. The control variate needs at least 2.
        cells: number of cells of the random grid along each spatial axis, before it is enlarged and shifted.
        keep: probability that a cell stays visible, between 0 and 1 (exclusive).
        value: the content of the masked cells, as for ``Occlusion``.
        seed: a whole number makes the result repeatable; None draws a new seed.
        control_variate: reduce the noise by a control variate. If False, return the mean of the masks, weighted by the scores.
        standard_error: compute the standard error of every pixel, in ``details``.
        tolerance: double the number of masks until ``norm(standard error) <= tolerance * norm(mask)``, for each input; None
            never does. ``details`` holds the standard error, and the number of masks as ``samples``.
        max_masks: with a tolerance, the largest number of masks, at least ``nmasks``. If it does not suffice, a
            ``ToleranceWarning`` is issued.

    Source:
        Petsiuk, Das & Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, arXiv:1806.07421; the
        cross-fitting: Chernozhukov et al., Double/Debiased Machine Learning, arXiv:1608.00060.
    """

    differentiates = False
    unit = SCORE
    empty = "the score is the same under all random masks"

    def masks(
        self,
        score: Score,
        x: Array,
        nmasks: int = 2000,
        cells: int = 7,
        keep: float = 0.5,
        value: Any = 0.0,
        seed: int | None = None,
        control_variate: bool = True,
        standard_error: bool = False,
        tolerance: float | None = None,
        max_masks: int = 20_000,
    ) -> Array:
        """Return cov(score, mask) / keep, estimated from random masks."""
        nmasks, most = _numbers_of_masks(nmasks, tolerance, max_masks, control_variate, standard_error)
        random_masks = RandomMasks([int(x.shape[axis]) for axis in input_axes(score.adapter, x)], cells, keep)
        seeds = sample_seeds(Noise.of(0.0, seed).seed, most)
        estimate = controlled_estimate if control_variate else plain_estimate
        errors = standard_error or tolerance is not None

        def explain(score: Score, x: Array) -> Array:
            scores, done, goal = _MaskedScores(score, x, random_masks, value), 0, nmasks
            while True:
                values = scores.add(seeds[done:goal])
                with np.errstate(invalid="ignore"):  # scores that are not finite are reported after the run
                    found, done = estimate(random_masks, seeds[:goal], values, errors), goal
                goal = min(2 * done, most)
                name = f"relative standard error after {done} masks"
                if should_stop(_relative_error(found), tolerance, goal <= done, name, "max_masks"):
                    return scores.record(found, done)

        return explain(score, x) if tolerance is None else score.one_by_one(explain, x)


class _MaskedScores:
    """The scores of N inputs under random masks."""

    def __init__(self, score: Score, x: Array, masks: RandomMasks, value: Any) -> None:
        self.score, self.x, self.masks = score, x, masks
        self.cover = make_baseline(value, score, x, "value")
        axes = input_axes(score.adapter, x)
        self.map_shape = [int(n) if axis in axes else 1 for axis, n in enumerate(x.shape) if axis]  # 1 channel
        self.scores: npt.NDArray[np.float64] = np.zeros((0, score.n))

    def add(self, seeds: list[int]) -> npt.NDArray[np.float64]:
        """Evaluate more masks; return the scores (masks, N) of all of them so far."""
        adapter, difference, scores = self.score.adapter, self.x - self.cover, []
        for chunk in self.score.batches(len(seeds)):
            masks = self.masks.render(self.masks.draw([seeds[i] for i in chunk]))
            visibility = adapter.asarray(masks.reshape(len(chunk), 1, *self.map_shape))
            scores.append(values_of_points(self.score, self.cover + visibility * difference))  # of (masks, N, *input)
        found = adapter.numpy(scores[0] if len(scores) == 1 else adapter.xp.concatenate(scores))  # one transfer
        self.scores = np.concatenate([self.scores, found])
        return self.scores

    def record(self, found: Estimate, samples: int) -> Array:
        """Record the standard error, and return the map (N, *input)."""
        adapter, shape = self.score.adapter, (self.score.n, *self.map_shape)
        ones = adapter.xp.ones_like(self.x)
        if found.error is not None:
            self.score.record(standard_error=adapter.asarray(found.error.reshape(shape)) * ones, samples=samples)
        return adapter.asarray(found.map.reshape(shape)) * ones


def _numbers_of_masks(nmasks: Any, tolerance: Any, max_masks: Any, control_variate: bool, errors: bool) -> tuple[int, int]:
    """Return the number of masks to start with, and the largest one."""
    check_tolerance(tolerance)
    least = 2 if control_variate or errors or tolerance is not None else 1
    start, most = whole_number("nmasks", nmasks, least=least), whole_number("max_masks", max_masks, least=1)
    if tolerance is None:
        return start, start
    if most < start:
        raise InputError(f"`max_masks` (={most}) must not be less than `nmasks` (={start}), the number to start with")
    return start, most


def _relative_error(found: Estimate) -> float:
    return 0.0 if found.error is None else float(np.linalg.norm(found.error)) / (float(np.linalg.norm(found.map)) or 1.0)
