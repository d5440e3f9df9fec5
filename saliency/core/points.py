"""Scores of points: several changed copies of each of N inputs, evaluated in one pass."""

from saliency.core.score import Score
from saliency.core.types import Array


def flattened(score: Score, points: Array) -> Array:
    """Return points (points, N, ...) as (points * N, ...)."""
    return score.adapter.xp.reshape(points, (-1, *points.shape[2:]))


def values_of_points(score: Score, points: Array) -> Array:
    """Return the scores (points, N) of points (points, N, *input)."""
    copies = int(points.shape[0])
    return score.adapter.xp.reshape(score.repeat(copies).values(flattened(score, points)), (copies, score.n))
