"""Normal noise from a seed, independent of the batch size and of the number of inputs."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import real_number, whole_number

MAX_SPREAD = 1e6
"""The largest standard deviation of noise, in units of the input's range; the noise must fit into float32."""


@dataclass(frozen=True)
class Noise:
    """Normal noise whose sample i depends on (seed, i) only, for any batch size and number of inputs.

    Args:
        spread: standard deviation, in units of each input's range (maximum - minimum).
        seed: a whole number, 0 or more.
        name: name of the option that holds the spread, for an error.
        antithetic: draw pairs; sample 2 i depends on (seed, i), and sample 2 i + 1 is its negative.

    Raises:
        InputError: if an argument is out of range.
    """

    spread: float
    seed: int
    antithetic: bool = False
    name: str = "stdev_spread"

    def __post_init__(self) -> None:
        real_number(self.name, self.spread, least=0.0, most=MAX_SPREAD)
        whole_number("seed", self.seed, least=0, most=None)

    @classmethod
    def of(cls, spread: float, seed: int | None, antithetic: bool = False, name: str = "stdev_spread") -> "Noise":
        """Return the noise for a user's options; ``seed=None`` draws a new seed without using a global random generator."""
        return cls(spread, secrets.randbits(63) if seed is None else seed, antithetic, name)

    def copies(self, score: Score, x: Array, samples: range) -> Iterator[Array]:
        """Yield noisy copies of ``x`` (N, *input) in batches (copies, N, *input); antithetic pairs stay together."""
        xp = score.adapter.xp
        axes = tuple(range(1, len(x.shape)))
        span = xp.amax(x, axis=axes, keepdims=True) + xp.amax(-x, axis=axes, keepdims=True)  # (N, 1, ...)
        draws = range(samples.start // 2, samples.stop // 2) if self.antithetic else samples
        scale = float(self.spread) * span
        seeds = sample_seeds(self.seed, draws.stop)
        pair = score.repeat(2) if self.antithetic else score
        for chunk in pair.chunks(len(draws)):
            drawn = score.adapter.normal(tuple(x.shape[1:]), [seeds[draws[i]] for i in chunk])
            yield score.adapter.call_fused(_add_noise, self.antithetic, drawn, scale, x)


def _add_noise(xp: Any, antithetic: bool, noisy: Array, scale: Array, x: Array) -> Array:
    """Return noisy copies of x (N, *input): x plus drawn noise (copies, *input) times a scale (N, 1, ...)."""
    noisy = noisy[:, None]
    if x.shape[0] > 1:  # the same noise for each input
        noisy = xp.concatenate([noisy] * x.shape[0], axis=1)  # (copies, N, *input)
    noisy *= scale  # in place: allocating a second array of this size is slow
    if antithetic:
        noisy = xp.reshape(xp.concatenate([noisy[:, None], -noisy[:, None]], axis=1), (-1, *noisy.shape[1:]))
    noisy += x
    return noisy


def sample_seeds(seed: int, n: int) -> list[int]:
    """Return the seeds of n samples; the first seeds do not depend on n."""
    return [int(word) for word in np.random.SeedSequence(int(seed)).generate_state(n, np.uint64) >> np.uint64(1)]
