"""Integrate along paths with a fixed number of points, or with as many as a tolerance requires."""

from collections.abc import Callable, Sequence
from typing import Protocol

from saliency.core.numerics.quadrature import NodesAndWeights, Quadrature
from saliency.core.numerics.tolerance import should_stop
from saliency.core.points import values_of_points
from saliency.core.score import Score
from saliency.core.types import Array


class Path(Protocol):
    """A path from a baseline (position 0) to the inputs (position 1), and the integral of the gradients on it so far.

    Args:
        score: the score of the N samples.
        points: number of points so far.
        end_scores: the scores (N,) at 0 and 1, if they were evaluated.
    """

    score: Score
    points: int
    end_scores: dict[float, Array]

    def add(self, new: NodesAndWeights | Quadrature, keep: float = 0.0) -> None:
        """Add the gradients at new nodes, after multiplying the sum so far by ``keep``."""

    @property
    def mask(self) -> Array:
        """The integral, (N, ...)."""

    def change(self) -> Array:
        """Return the change of the score along the path, (N,)."""


def mean_mask(paths: Sequence[Path], details: bool) -> Array:
    """Return the mean of the masks; record its gap if requested, or if the scores at both ends are known anyway."""
    mask = sum(path.mask for path in paths) / len(paths)
    if details or all(len(path.end_scores) == 2 for path in paths):
        change = sum(path.change() for path in paths) / len(paths)
        points = sum(path.points for path in paths)
        record_gap(paths[0].score, mask, paths[0].end_scores[1.0], change, points)
    return mask


def record_gap(score: Score, mask: Array, values: Array, change: Array, points: int) -> None:
    """Record how far the sums of masks are from the changes of the scores.

    Args:
        score: the score of the N samples.
        mask: (N, ...).
        values: the scores of the inputs, (N,).
        change: the changes of the scores from the baselines, (N,).
        points: number of points on all paths.
    """
    xp = score.adapter.xp
    gap = xp.sum(xp.reshape(mask, (score.n, -1)), axis=1) - change
    score.record(score=values, gap=gap, change=change, points=points)


def record_gap_to_baselines(score: Score, x: Array, baselines: Sequence[Array], mask: Array, points: int) -> None:
    """Record the gap of masks (N, ...) that explain the change of the score from the mean of baselines (N, *input) each."""
    values = values_of_points(score, score.adapter.xp.concatenate([one[None] for one in (x, *baselines)]))
    record_gap(score, mask, values[0], values[0] - score.adapter.xp.mean(values[1:], axis=0), points)


def integrate_to_tolerance(
    make_paths: Callable[[Score, Array], Sequence[Path]],
    quadrature: Quadrature,
    tolerance: float,
    max_steps: int,
    read: Callable[[Sequence[Path]], Array] | None,
    score: Score,
    x: Array,
) -> Array:
    """Integrate for one input with as many points as the tolerance requires.

    Args:
        make_paths: returns the paths from each baseline to the input.
        quadrature: the rule to start with.
        tolerance: largest gap as a fraction of the change.
        max_steps: largest number of points on a path.
        read: reads another result than the mean mask from the paths; None returns this mask.
        score: the score of one sample.
        x: (1, *input).
    """
    paths = make_paths(score, x)
    new: NodesAndWeights | Quadrature = quadrature
    keep = 0.0
    while True:
        for path in paths:
            path.add(new, keep)
        mask = mean_mask(paths, details=True)
        gap, change = (abs(float(score.adapter.numpy(score.details[name])[0])) for name in ("gap", "change"))
        used, (quadrature, new, keep) = len(quadrature.nodes), quadrature.refine()
        at_limit = len(quadrature.nodes) > max_steps
        if should_stop(gap / change if change else gap, tolerance, at_limit, f"gap after {used} steps", "max_steps"):
            return mask if read is None else read(paths)
