"""Straight paths on which gradients are integrated: in the input, or between the values of a layer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

from saliency.core.errors import InputError
from saliency.core.numerics.quadrature import NodesAndWeights, Quadrature
from saliency.core.points import flattened
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import shown

PathChoice: TypeAlias = Literal["layer", "input"]
"""Where the path of an attribution at a layer lies: between the values of the layer, or in the input."""


@dataclass
class IntegrationPath:
    """A straight path from a start to an end, and the weighted sum of the gradients on it so far.

    Args:
        score: the score of the N samples.
        start, end: (N, ...), inputs or values of a layer.
        evaluate: returns the scores (points * N,) and gradients (points * N, ...) at points (points, N, ...).
        values: returns the scores (points * N,) alone.
        total: the sum, (N, ...).
        points: number of points so far.
        end_scores: the scores (N,) at 0 and 1, if they were evaluated.
    """

    score: Score
    start: Array
    end: Array
    evaluate: Callable[[Array], tuple[Array, Array]]
    values: Callable[[Array], Array]
    total: Array = 0.0
    points: int = 0
    end_scores: dict[float, Array] = field(default_factory=dict)

    def add(self, new: NodesAndWeights | Quadrature, keep: float = 0.0) -> None:
        """Add the gradients at new nodes, after multiplying the sum so far by ``keep``."""
        adapter, xp, n = self.score.adapter, self.score.adapter.xp, self.score.n
        difference = self.end - self.start
        nodes = xp.reshape(adapter.asarray(new.nodes), (-1, *[1] * len(difference.shape)))
        weights = adapter.asarray(new.weights[None])  # (1, points)
        self.total, self.points = self.total * keep, self.points + len(new.nodes)
        for chunk in self.score.batches(len(new.nodes)):
            points = nodes[chunk.start : chunk.stop] * difference  # (points, N, ...)
            points += self.start
            scores, gradients = self.evaluate(points)
            flat, shape = xp.reshape(gradients, (len(chunk), -1)), gradients.shape[1:]
            weighted = weights[:, chunk.start : chunk.stop] @ flat  # reads the gradients once
            self.total = self.total + xp.reshape(weighted, (n, *shape))
            del points, gradients, flat, weighted  # the next pass needs their memory
            scores = xp.reshape(scores, (len(chunk), n))
            self.end_scores |= {float(new.nodes[chunk[i]]): scores[i] for i in (0, -1) if new.nodes[chunk[i]] in (0.0, 1.0)}

    @property
    def mask(self) -> Array:
        """The mean gradient times the difference of the ends."""
        return self.total * (self.end - self.start)

    def change(self) -> Array:
        """Return the change of the score along the path, (N,)."""
        missing = [(end, point) for end, point in ((0.0, self.start), (1.0, self.end)) if end not in self.end_scores]
        if missing:
            ends, points = zip(*missing, strict=True)
            values = self.values(self.score.adapter.xp.concatenate([point[None] for point in points]))
            self.end_scores |= {end: values[i * self.score.n : (i + 1) * self.score.n] for i, end in enumerate(ends)}
        return self.end_scores[1.0] - self.end_scores[0.0]


def make_path(score: Score, x: Array, baseline: Array, choice: PathChoice) -> IntegrationPath:
    """Return the path from a baseline (N, *input) to inputs, or between the values of the score's layer ``at`` at these.

    Args:
        score: the score of the N samples; its request may name a layer, ``at``.
        x: (N, *input).
        baseline: (N, *input).
        choice: with a layer, where the path lies. On a path in the input, the gradients are still with respect to the layer.

    Raises:
        InputError: if the choice is invalid.
    """
    check_path(choice)
    if score.request.at is not None and choice == "layer":
        return _path_at_layer(score, x, baseline)
    evaluate = _gradients_of_input if score.request.at is None else _gradients_of_layer
    return IntegrationPath(score, baseline, x, partial(evaluate, score), partial(_values_of_input, score))


def check_path(choice: Any) -> None:
    """Check the option ``path``.

    Raises:
        InputError: if it is invalid.
    """
    if not isinstance(choice, str) or choice not in ("layer", "input"):
        rule = 'must be "layer" or "input": where the path of an attribution at `at` lies'
        raise InputError(f"`path` (={shown(choice)}) {rule}")


def values_at(score: Score, x: Array) -> tuple[Array, Array]:
    """Return the scores (N,) of inputs (N, *input) and the values (N, ...) of the score's layer, from an extra pass."""
    score.plan.progress.announce(score.n)
    scores, values, _ = score.values_and_gradients_at(x)
    return scores, values


def gradients_from(score: Score, x: Array, points: Array) -> tuple[Array, Array]:
    """Return scores and gradients at values (points, N, ...) of the score's layer, which replace those of ``x``."""
    copies, xp = int(points.shape[0]), score.adapter.xp
    inputs = xp.concatenate([x] * copies) if copies > 1 else x
    scores, _, gradients = score.repeat(copies).values_and_gradients_at(inputs, flattened(score, points))
    return scores, gradients


def _path_at_layer(score: Score, x: Array, baseline: Array) -> IntegrationPath:
    scores, end = values_at(score, x)
    _, start = values_at(score, baseline)
    evaluate = partial(gradients_from, score, x)
    return IntegrationPath(score, start, end, evaluate, lambda points: evaluate(points)[0], end_scores={1.0: scores})


def _gradients_of_input(score: Score, points: Array) -> tuple[Array, Array]:
    return score.repeat(int(points.shape[0])).values_and_gradients(flattened(score, points))


def _gradients_of_layer(score: Score, points: Array) -> tuple[Array, Array]:
    scores, _, gradients = score.repeat(int(points.shape[0])).values_and_gradients_at(flattened(score, points))
    return scores, gradients


def _values_of_input(score: Score, points: Array) -> Array:
    return score.repeat(int(points.shape[0])).values(flattened(score, points))
