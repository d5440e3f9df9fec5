"""Normal noise from a seed, independent of the batch size and of the number of inputs."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saliency.core.adapter import GradientAdapter
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
        """Yield noisy copies of ``x`` (N, *input) in batches (copies, N, *input); antithetic pairs stay together.

        Several joined inputs have noise of their own, scaled by the range of each. That of the first is the noise that it has
        alone.
        """
        draws = range(samples.start // 2, samples.stop // 2) if self.antithetic else samples
        adapter, scale = score.adapter, float(self.spread) * _spans(score.adapter, x)
        inputs = 1 if adapter.joined is None else len(adapter.joined.names)
        seeds = [sample_seeds(self.seed, draws.stop, i) for i in range(inputs)]
        pair = score.repeat(2) if self.antithetic else score
        for chunk in pair.chunks(len(draws)):
            own_seeds = [[own[draws[i]] for i in chunk] for own in seeds]
            yield adapter.call_fused(
                _add_noise, self.antithetic, _draw(adapter, tuple(x.shape[1:]), own_seeds), scale, x
            )  # without a name for the drawn numbers, which would stay in memory during the passes


def _draw(adapter: GradientAdapter, shape: tuple[int, ...], seeds: Sequence[Sequence[int]]) -> Array:
    """Draw standard normal numbers (draws, *shape), from the seeds of each input."""
    if adapter.joined is None:
        return adapter.normal(shape, seeds[0])
    drawn = [adapter.normal(one, own) for one, own in zip(adapter.joined.shapes, seeds, strict=True)]
    return adapter.joined.join(adapter.xp, adapter.joined.named(drawn))


def _spans(adapter: GradientAdapter, x: Array) -> Array:
    """Return the range of each input, (N, 1, ...), or of the input that each value belongs to, (N, D)."""
    if adapter.joined is None:
        return _span(adapter.xp, x)
    parts = adapter.joined.split(adapter.xp, x)
    return adapter.joined.join(
        adapter.xp, {name: _span(adapter.xp, one) * adapter.xp.ones_like(one) for name, one in parts.items()}
    )


def _span(xp: Any, x: Array) -> Array:
    axes = tuple(range(1, len(x.shape)))
    return xp.amax(x, axis=axes, keepdims=True) + xp.amax(-x, axis=axes, keepdims=True)


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


def sample_seeds(seed: int, n: int, stream: int = 0) -> list[int]:
    """Return the seeds of n samples; the first seeds do not depend on n. Each stream has other seeds."""
    sequence = np.random.SeedSequence(int(seed), spawn_key=(stream,) if stream else ())
    return [int(word) for word in sequence.generate_state(n, np.uint64) >> np.uint64(1)]
