"""SmoothGrad and its variants: average the masks of noisy copies of an input."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from saliency.core.errors import InputError
from saliency.core.method_options import check_booleans
from saliency.core.noise import Noise
from saliency.core.numerics.running_moments import RunningMoments
from saliency.core.numerics.tolerance import check_tolerance, should_stop
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown, whole_number

MaskFunction: TypeAlias = Callable[[Score, Array], Array]
Average: TypeAlias = Literal["mean", "squared", "variance"]
"""The mean of the masks (SmoothGrad), the mean of their squares (SmoothGrad-squared), or their variance (VarGrad)."""


@dataclass(frozen=True)
class Smoothing:
    """Average the masks of noisy copies of an input (SmoothGrad).

    Args:
        noise: the noise that is added to the copies.
        samples: number of copies; with a tolerance, the number to start with.
        average: ``"mean"`` of the masks, ``"squared"`` for the mean of their squares, or their ``"variance"``.
        standard_error: compute the standard error of every pixel.
        tolerance: double the number of samples until ``norm(standard error) <= tolerance * norm(mask)``; None never does.
        max_samples: with a tolerance, the largest number of samples, at least ``samples``. If it does not suffice, a
            ``ToleranceWarning`` is issued.

    Raises:
        InputError: if an argument is invalid.

    Source:
        Smilkov et al., SmoothGrad: removing noise by adding noise, arXiv:1706.03825; the squares: Hooker et al., A Benchmark
        for Interpretability Methods in Deep Neural Networks, arXiv:1806.10758; the variance: Adebayo et al., Local
        Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values, arXiv:1810.03307.
    """

    noise: Noise
    samples: int = 25
    average: Average = "squared"
    standard_error: bool = False
    tolerance: float | None = None
    max_samples: int = 1000

    def __post_init__(self) -> None:
        if not isinstance(self.average, str) or self.average not in ("mean", "squared", "variance"):
            raise InputError(f"`average` (={shown(self.average)}) must be 'mean', 'squared', 'variance' or None")
        whole_number("nsamples", self.samples, least=1 + self._computes_errors * (3 if self.noise.antithetic else 1))
        check_tolerance(self.tolerance)
        limit = whole_number("max_samples", self.max_samples, least=1)
        if self.tolerance is not None and limit < self.samples:
            raise InputError(
                f"`max_samples` (={limit}) must not be less than `nsamples` (={self.samples}), the number to start with"
            )
        if self.noise.antithetic and self.samples % 2:
            raise InputError(f"`nsamples` (={self.samples}) must be even for antithetic noise, which is drawn in pairs")
        if self.noise.antithetic and self._computes_errors and self.average == "variance":
            raise InputError(
                "`average` (='variance') has no standard error for antithetic noise, which is drawn in pairs: "
                "pass antithetic=False, or another `average`"
            )

    @classmethod
    def of(
        cls,
        stdev_spread: float = 0.15,
        nsamples: int = 25,
        magnitude: bool = True,
        seed: int | None = None,
        average: Average | None = None,
        antithetic: bool = False,
        standard_error: bool = False,
        tolerance: float | None = None,
        max_samples: int = 1000,
    ) -> "Smoothing":
        """Return the smoothing for the options of ``GetSmoothedMask``.

        Args:
            stdev_spread: standard deviation of the noise, in units of the input's range (maximum - minimum).
            nsamples: number of copies; with a tolerance, the number to start with.
            magnitude: average the squares of the masks instead of the masks; ignored if ``average`` is given.
            seed: a whole number makes the result repeatable; None draws a new seed.
            average: see ``Smoothing``; None means ``"squared"`` or ``"mean"``, depending on ``magnitude``.
            antithetic: draw the noise in pairs of opposite sign.
            standard_error, tolerance, max_samples: see ``Smoothing``.
        """
        kind: Average = ("squared" if magnitude else "mean") if average is None else average
        noise = Noise.of(stdev_spread, seed, antithetic)
        return cls(noise, nsamples, kind, standard_error, tolerance, max_samples)

    @classmethod
    def split(cls, options: Mapping[str, Any]) -> tuple["Smoothing", dict[str, Any]]:
        """Split a user's options into the smoothing and the options of the method.

        Raises:
            InputError: if an option of the smoothing is invalid.
        """
        names = inspect.signature(cls.of).parameters
        chosen = {name: value for name, value in options.items() if name in names}
        check_booleans(cls.of, chosen)
        return cls.of(**chosen), {name: value for name, value in options.items() if name not in names}

    @property
    def _computes_errors(self) -> bool:
        return self.standard_error or self.tolerance is not None

    def masks(self, method: MaskFunction, score: Score, x: Array) -> Array:
        """Average masks over noisy copies of the inputs.

        Args:
            method: returns N masks of N inputs, in a new array.
            score: the score of the N inputs.
            x: (N, *input).

        Returns:
            (N, *mask), in the mask's units or their square.
        """
        if self.tolerance is not None:
            return score.one_by_one(lambda one, x_one: self._smooth_to_tolerance(method, one, x_one), x)
        moments = self._new_moments(score)
        self._add_samples(moments, method, score, x, range(int(self.samples)))
        return self._average(moments, score)

    def _smooth_to_tolerance(self, method: MaskFunction, score: Score, x: Array) -> Array:
        """Smooth the mask of one input with as many samples as the tolerance requires."""
        moments, done, goal = self._new_moments(score), 0, int(self.samples)
        while True:
            self._add_samples(moments, method, score, x, range(done, goal))
            mask, done = self._average(moments, score), goal
            relative = _norm(score, score.details["standard_error"]) / (_norm(score, mask) or 1.0)
            goal = min(2 * done, int(self.max_samples) // 2 * 2 if self.noise.antithetic else int(self.max_samples))
            error_name = f"relative standard error after {done} samples"
            if should_stop(relative, self.tolerance, goal <= done, error_name, "max_samples"):
                return mask
            score.plan.progress.expect(goal - done)

    def _add_samples(
        self, moments: "_MaskAndScoreMoments", method: MaskFunction, score: Score, x: Array, samples: range
    ) -> None:
        for noisy in self.noise.copies(score, x, samples):
            copies, xp = noisy.shape[0], score.adapter.xp
            noisy = xp.reshape(noisy, (-1, *noisy.shape[2:]))
            copy_score = score.repeat(copies).for_inputs(noisy)
            with score.plan.progress.track_masks(copies * score.n):
                mask = method(copy_score, noisy)
            mask = xp.reshape(mask, (copies, score.n, *mask.shape[1:]))  # (copies, N, *mask)
            if self.average == "squared":
                mask = mask * mask  # not in place: a constant gradient may be one number, expanded
            if self.noise.antithetic and self._computes_errors:  # pairs are independent, their members are not
                mask = xp.mean(xp.reshape(mask, (copies // 2, 2, *mask.shape[1:])), axis=1)
            moments.masks.add(mask)
            if "layer" in copy_score.details:
                score.record(layer=copy_score.details["layer"][: score.n])
            if "score" in copy_score.details:
                moments.scores.add(xp.reshape(copy_score.details["score"], (copies, score.n)))
            del noisy, mask, copy_score  # before the next copies are drawn

    def _new_moments(self, score: Score) -> "_MaskAndScoreMoments":
        powers = {(False, False): 1, (False, True): 2, (True, False): 2, (True, True): 4}
        power = powers[self.average == "variance", self._computes_errors]
        return _MaskAndScoreMoments(RunningMoments(score.adapter.xp, power), RunningMoments(score.adapter.xp, 1))

    def _average(self, moments: "_MaskAndScoreMoments", score: Score) -> Array:
        masks, variance = moments.masks, self.average == "variance"
        if moments.scores.count:
            score.record(mean_score=moments.scores.mean)
        if self._computes_errors:
            score.record(standard_error=masks.error_of_variance if variance else masks.error_of_mean)
            score.record(samples=masks.count * (2 if self.noise.antithetic else 1))
        return masks.variance if variance else masks.mean


class _MaskAndScoreMoments(NamedTuple):
    """Moments of the masks of the noisy copies, and of their scores if the method computes them."""

    masks: RunningMoments
    scores: RunningMoments


def _norm(score: Score, array: Array) -> float:
    return math.sqrt(score.adapter.numpy(score.adapter.xp.sum(array * array)))
