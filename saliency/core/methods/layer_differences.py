"""Differences between the values of a layer at baselines and at inputs, and the gradients at random points between them."""

from dataclasses import dataclass
from typing import Any

from saliency.core.methods.integration_path import PathChoice, gradients_from, values_at
from saliency.core.points import flattened
from saliency.core.score import Score
from saliency.core.types import Array


@dataclass(frozen=True)
class LayerDifferences:
    """The values of a layer at the ends of the paths from baselines to inputs.

    Args:
        score: the score of the N samples, with the layer in ``at``.
        choice: where the points between the ends lie: between the values of the layer, or in the input.
        start: the values of the layer at each baseline, (N, ...).
        end: those at the inputs, (N, ...); None if noise is added to the inputs.
    """

    score: Score
    choice: PathChoice
    start: list[Array]
    end: Array | None

    @classmethod
    def of(cls, score: Score, x: Array, baselines: list[Array], choice: PathChoice, is_noisy: bool) -> "LayerDifferences":
        """Evaluate the layer at the baselines, each (N, *input), and unless noise is added, at the inputs (N, *input)."""
        start = [values_at(score, baseline)[1] for baseline in baselines]
        return cls(score, choice, start, None if is_noisy else values_at(score, x)[1])

    def evaluate(self, noisy: Array, baselines: Array, chosen: list[int], fraction: Array) -> tuple[Array, Array]:
        """Return the differences of the layer's values and the gradients with respect to them, (samples, N, ...).

        Args:
            noisy: inputs, (samples, N, *input).
            baselines: the baseline of each sample, (samples, N, *input).
            chosen: the index of the baseline of each sample.
            fraction: (samples,), the place of each point between a baseline and an input.
        """
        xp, copies, inputs = self.score.adapter.xp, len(chosen), flattened(self.score, noisy)
        start = xp.concatenate([self.start[i][None] for i in chosen])
        score = self.score.repeat(copies)
        end = xp.reshape(score.values_and_gradients_at(inputs)[1], start.shape) if self.end is None else self.end[None]
        if self.choice == "layer":
            points = points_between(xp, start, end, fraction)
            _, gradients = gradients_from(score, inputs, flattened(self.score, points)[None])
        else:
            points = points_between(xp, baselines, noisy, fraction)
            _, _, gradients = score.values_and_gradients_at(flattened(self.score, points))
        return end - start, xp.reshape(gradients, start.shape)


def points_between(xp: Any, start: Array, end: Array, fraction: Array) -> Array:
    """Return points between a start and an end, (samples, N, ...), at a fraction (samples,) of the way."""
    return start + xp.reshape(fraction, (-1, *[1] * (len(start.shape) - 1))) * (end - start)
