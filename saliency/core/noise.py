"""Normal noise from a seed, for any number of inputs and any size of batch."""

import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np

from saliency.core.errors import InputError
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number


@dataclass(frozen=True)
class Noise:
    """Noise whose sample i depends on (seed, i) alone, whatever the batch and the number of inputs.

    Args:
        spread: standard deviation, in units of the input's own range (maximum - minimum).
        seed: a whole number.
        name: of the option that the spread came from.
        antithetic: sample 2 i + 1 is the negative of sample 2 i, which comes from (seed, i).

    Raises:
        InputError: if one of them is out of range.
    """

    spread: float
    seed: int
    antithetic: bool = False
    name: str = "stdev_spread"

    def __post_init__(self) -> None:
        if isinstance(self.spread, bool) or not isinstance(self.spread, SupportsFloat) or not 0 <= self.spread < math.inf:
            raise InputError(f"`{self.name}` (={self.spread!r}) must be a finite number, 0 or more")
        whole_number("seed", self.seed, least=0)

    @classmethod
    def of(cls, spread: float, seed: int | None, antithetic: bool = False, name: str = "stdev_spread") -> "Noise":
        """Return noise as a user asks for it: None draws a fresh seed, from no generator that anybody else uses."""
        return cls(spread, secrets.randbits(63) if seed is None else seed, antithetic, name)

    def copies(self, score: Score, x: Array, samples: range) -> Iterator[Array]:
        """Yield noisy copies of ``x`` (N, *input) in runs of (copies, N, *input); antithetic ones come in whole pairs."""
        xp = score.adapter.xp
        axes = tuple(range(1, len(x.shape)))
        span = xp.amax(x, axis=axes, keepdims=True) + xp.amax(-x, axis=axes, keepdims=True)  # (N, 1, ...)
        draws = range(samples.start // 2, samples.stop // 2) if self.antithetic else samples
        scale = float(self.spread) * span
        seeds = seeds_of(self.seed, draws.stop)
        pair = score.repeat(2) if self.antithetic else score
        for run in pair.chunks(len(draws)):
            drawn = score.adapter.normal(tuple(x.shape[1:]), [seeds[draws[i]] for i in run])
            yield score.adapter.call_fused(_noisy, self.antithetic, drawn, scale, x)


def _noisy(xp: Any, antithetic: bool, noisy: Array, scale: Array, x: Array) -> Array:
    """Return x (N, *input) with noise that was drawn, (copies, *input), times a scale (N, 1, ...)."""
    noisy = noisy[:, None]
    if x.shape[0] > 1:  # the same noise for each input
        noisy = xp.concatenate([noisy] * x.shape[0], axis=1)  # (copies, N, *input)
    noisy *= scale  # in place: a second array of this size is felt
    if antithetic:
        noisy = xp.reshape(xp.concatenate([noisy[:, None], -noisy[:, None]], axis=1), (-1, *noisy.shape[1:]))
    noisy += x
    return noisy


def seeds_of(seed: int, n: int) -> list[int]:
    """Return the seeds of n samples; those of the first few do not depend on n."""
    return [int(word) for word in np.random.SeedSequence(int(seed)).generate_state(n, np.uint64) >> np.uint64(1)]
