"""SmoothGrad and its kin: a mask averaged over noisy copies of its input."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from saliency.core.errors import InputError
from saliency.core.method_options import check_booleans
from saliency.core.noise import Noise
from saliency.core.numerics.running_moments import Averaged, Moments
from saliency.core.numerics.tolerance import check_tolerance, should_stop
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number

Method: TypeAlias = Callable[[Score, Array], Array]
Average: TypeAlias = Literal["mean", "squared", "variance"]
"""Of the masks (SmoothGrad), of their squares (SmoothGrad-squared), or their variance (VarGrad)."""


@dataclass(frozen=True)
class Smoothing:
    """How a mask is smoothed.

    Args:
        noise: of the copies.
        samples: number of copies; with a tolerance, the number to begin with.
        average: see ``Average``.
        standard_error: compute the standard error of every pixel.
        tolerance: double the samples until ``norm(standard error) <= tolerance * norm(mask)``; None does not.
        max_samples: with a tolerance, stop there, with a warning; no fewer than ``samples``.

    Raises:
        InputError: if one of them breaks a rule.

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
        if self.average not in ("mean", "squared", "variance"):
            raise InputError(f"`average` (={self.average!r}) must be 'mean', 'squared', 'variance' or None")
        whole_number("nsamples", self.samples, least=1 + self._errors * (3 if self.noise.antithetic else 1))
        check_tolerance(self.tolerance)
        most = whole_number("max_samples", self.max_samples, least=1)
        if self.tolerance is not None and most < self.samples:
            raise InputError(
                f"`max_samples` (={most}) must not be less than `nsamples` (={self.samples}), with which a tolerance begins"
            )
        if self.noise.antithetic and self.samples % 2:
            raise InputError(f"`nsamples` (={self.samples}) must be even for antithetic noise, which comes in pairs")
        if self.noise.antithetic and self._errors and self.average == "variance":
            raise InputError("`average` (='variance') has no standard error for antithetic noise, which comes in pairs")

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
        """Read a user's options: ``average=None`` goes by ``magnitude``; the first four are ``GetSmoothedMask``'s."""
        kind: Average = average or ("squared" if magnitude else "mean")
        noise = Noise.of(stdev_spread, seed, antithetic)
        return cls(noise, nsamples, kind, standard_error, tolerance, max_samples)

    @classmethod
    def split(cls, options: Mapping[str, Any]) -> tuple["Smoothing", dict[str, Any]]:
        """Read the options that are smoothing's; return the others as well.

        Raises:
            InputError: if one of them breaks a rule.
        """
        names = inspect.signature(cls.of).parameters
        chosen = {name: value for name, value in options.items() if name in names}
        check_booleans(cls.of, chosen)
        return cls.of(**chosen), {name: value for name, value in options.items() if name not in names}

    @property
    def _errors(self) -> bool:
        return self.standard_error or self.tolerance is not None

    def masks(self, method: Method, score: Score, x: Array) -> Array:
        """Average masks over noisy copies of the inputs.

        Args:
            method: from N inputs to N masks, in a new array.
            score: of the N inputs.
            x: (N, *input).

        Returns:
            (N, *mask), in the mask's units, or their square.
        """
        if self.tolerance is not None:
            return score.one_by_one(lambda one, x_one: self._to_tolerance(method, one, x_one), x)
        moments = self._moments(score)
        self._sample(moments, method, score, x, range(int(self.samples)))
        return self._result(moments, score)

    def _to_tolerance(self, method: Method, score: Score, x: Array) -> Array:
        """Smooth one input's mask, with as many samples as it takes."""
        moments, done, goal = self._moments(score), 0, int(self.samples)
        while True:
            self._sample(moments, method, score, x, range(done, goal))
            mask, done = self._result(moments, score), goal
            relative = _norm(score, score.details["standard_error"]) / (_norm(score, mask) or 1.0)
            goal = min(2 * done, int(self.max_samples) // 2 * 2 if self.noise.antithetic else int(self.max_samples))
            if should_stop(
                relative, self.tolerance, goal <= done, f"relative standard error after {done} samples", "max_samples"
            ):
                return mask
            score.plan.progress.add(goal - done)

    def _sample(self, moments: Averaged, method: Method, score: Score, x: Array, samples: range) -> None:
        for noisy in self.noise.copies(score, x, samples):
            copies, xp = noisy.shape[0], score.adapter.xp
            noisy = xp.reshape(noisy, (-1, *noisy.shape[2:]))
            one = score.repeat(copies).explain(noisy)
            with score.plan.progress.masks(copies * score.n):
                mask = method(one, noisy)
            mask = xp.reshape(mask, (copies, score.n, *mask.shape[1:]))  # (copies, N, *mask)
            if self.average == "squared":
                mask = mask * mask  # not in place: a gradient may be one number, expanded
            if self.noise.antithetic and self._errors:  # pairs are independent, their members are not
                mask = xp.mean(xp.reshape(mask, (copies // 2, 2, *mask.shape[1:])), axis=1)
            moments.masks.add(mask)
            if "layer" in one.details:
                score.note(layer=one.details["layer"][: score.n])
            if "score" in one.details:
                moments.scores.add(xp.reshape(one.details["score"], (copies, score.n)))

    def _moments(self, score: Score) -> Averaged:
        powers = {(False, False): 1, (False, True): 2, (True, False): 2, (True, True): 4}
        xp = score.adapter.xp
        return Averaged(Moments(xp, powers[self.average == "variance", self._errors]), Moments(xp, 1))

    def _result(self, both: Averaged, score: Score) -> Array:
        moments, variance = both.masks, self.average == "variance"
        if both.scores.count:
            score.note(mean_score=both.scores.mean)
        if self._errors:
            score.note(standard_error=moments.error_of_variance if variance else moments.error_of_mean)
            score.note(samples=moments.count * (2 if self.noise.antithetic else 1))
        return moments.variance if variance else moments.mean


def _norm(score: Score, array: Array) -> float:
    return math.sqrt(score.adapter.numpy(score.adapter.xp.sum(array * array)))
