"""Scores of inputs whose highest-ranked positions are replaced."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.points import values_of_points
from saliency.core.types import Array
from saliency.core.validation import real_number, shown
from saliency.metrics.evaluation import Part


def checked_fractions(fractions: Sequence[float]) -> list[float]:
    """Return fractions from 0 to 1, at least one.

    Raises:
        InputError: if they are something else.
    """
    if isinstance(fractions, str) or not isinstance(fractions, Iterable):
        raise InputError(f"`fractions` (={shown(fractions)}) must be a sequence of numbers from 0 to 1")
    found = [real_number("fractions", one, 0.0, 1.0) for one in fractions]
    if not found:
        raise InputError(f"`fractions` (={shown(fractions)}) must hold at least one number")
    return found


def fraction_counts(positions: int, steps: int) -> npt.NDArray[np.int64]:
    """Return the numbers of replaced positions from 0 to all of them, in even steps, (steps + 1,)."""
    return np.round(np.linspace(0, positions, min(steps, positions) + 1)).astype(np.int64)


def replaced_scores(
    part: Part, before: Array, after: Array, ranks: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Compute the scores while positions of ``before`` are replaced by those of ``after``, in the order of their ranks.

    Args:
        part: the inputs.
        before, after: (n, *input).
        ranks: (n, *space), 0 for the position that is replaced first.
        counts: numbers of replaced positions, (points,).

    Returns:
        (n, points).
    """
    score, adapter = part.score, part.score.adapter
    xp, order = adapter.xp, adapter.asarray(part.over_space(ranks))[None]
    scores = []
    for chunk in score.batches(len(counts)):
        limits = adapter.asarray(counts[chunk.start : chunk.stop].reshape(-1, *[1] * len(before.shape)))
        points = xp.where(order < limits, after[None], before[None])  # (points, n, *input)
        scores.append(values_of_points(score, points))
    values = adapter.numpy(xp.concatenate(scores) if len(scores) > 1 else scores[0])
    return np.asarray(values, np.float64).T
