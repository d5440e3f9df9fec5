"""SmoothGrad: a mask averaged over noisy copies of its input."""

import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np

from saliency.core.adapter import Array
from saliency.core.errors import InputError
from saliency.core.numbers import whole
from saliency.core.run import Progress
from saliency.core.score import Score


@dataclass(frozen=True)
class Noise:
    """Normal noise whose sample i depends on (seed, i) alone, whatever the batch and the number of inputs.

    Args:
        spread: standard deviation, in units of the input's own range (maximum - minimum).
        samples: number of noisy copies.
        seed: a whole number.

    Raises:
        InputError: if one of them is out of range.
    """

    spread: float
    samples: int
    seed: int

    def __post_init__(self) -> None:
        if isinstance(self.spread, bool) or not isinstance(self.spread, SupportsFloat) or not 0 <= self.spread < math.inf:
            raise InputError(f"`stdev_spread` (={self.spread!r}) must be a finite number, 0 or more")
        whole("nsamples", self.samples, least=1)
        whole("seed", self.seed, least=0)

    @classmethod
    def of(cls, spread: float, samples: int, seed: int | None) -> "Noise":
        """Return noise as a user asks for it: None draws a fresh seed, from no generator that anybody else uses."""
        return cls(spread, samples, secrets.randbits(63) if seed is None else seed)

    def copies(self, score: Score, x: Array) -> Iterator[Array]:
        """Yield noisy copies of ``x`` (N, *input) in runs of (copies, N, *input)."""
        xp = score.adapter.xp
        axes = tuple(range(1, len(x.shape)))
        span = xp.amax(x, axis=axes, keepdims=True) + xp.amax(-x, axis=axes, keepdims=True)  # (N, 1, ...)
        seeds = np.random.SeedSequence(int(self.seed)).generate_state(int(self.samples), np.uint64) >> np.uint64(1)
        for run in score.batches(int(self.samples)):
            noisy = score.adapter.normal(tuple(x.shape[1:]), [int(seeds[i]) for i in run])[:, None]
            if score.n > 1:  # the same noise for each input
                noisy = xp.concatenate([noisy] * score.n, axis=1)  # (copies, N, *input)
            noisy *= float(self.spread) * span  # in place: a second array of this size is felt
            noisy += x
            yield noisy


def smoothed(
    masks: Callable[[Score, Array], Array], noise: Noise, magnitude: bool, score: Score, x: Array, tick: Progress
) -> Array:
    """Average masks over noisy copies of the inputs.

    Args:
        masks: from N inputs to N masks.
        noise: how many copies, and how noisy.
        magnitude: average the squares instead.
        score: of the N inputs.
        x: (N, *input).
        tick: called with the number of masks made, for a progress bar.

    Returns:
        (N, *mask), in the mask's units, or their square.

    Source:
        Smilkov et al., SmoothGrad: removing noise by adding noise, arXiv:1706.03825; the squares: Hooker et al.,
        A Benchmark for Interpretability Methods in Deep Neural Networks, arXiv:1806.10758.
    """
    total: Array = 0.0
    for noisy in noise.copies(score, x):
        copies = noisy.shape[0]
        mask = masks(score.repeat(copies), noisy.reshape((-1, *noisy.shape[2:])))
        mask = mask.reshape((copies, score.n, *mask.shape[1:]))  # (copies, N, *mask)
        if magnitude:
            mask *= mask
        total = total + score.adapter.xp.sum(mask, axis=0)
        tick(copies * score.n)
    return total / noise.samples
