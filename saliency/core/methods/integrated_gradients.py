"""Integrated gradients and expected gradients."""

from functools import partial
from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.methods.baselines import make_baselines
from saliency.core.numerics.quadrature import NodesAndWeights, Quadrature, QuadratureRule, make_quadrature
from saliency.core.numerics.tolerance import check_tolerance, should_stop
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import whole_number

DEFAULTS: dict[bool, tuple[QuadratureRule, int]] = {False: ("gauss-legendre", 25), True: ("chebyshev", 7)}
"""The default rule and number of points, without a tolerance (False) and with one (True)."""


@final
class IntegratedGradients(SaliencyMask):
    """Integrate gradients along a straight path from a baseline to the input.

    The mask is the mean gradient on the path times (input - baseline). It has the input's shape, in score units. Its sum is
    the change of the score from the baseline to the input (completeness), up to an integration error, the gap.

    Options:
        x_baseline: None (zeros), a number, an array of the input's shape, or one computed from the input: ``"blur"``,
            ``"mean"``, ``"min"`` or ``"max"``. With several baselines, as a list or an array (baselines, *input), the masks
            are averaged (expected gradients).
        x_steps: number of points on the path, 25 by default. With a tolerance, the number to start with, 7 by default.
        rule: the quadrature rule: ``"inclusive"`` (as in PAIR's ``saliency``), ``"trapezoid"``, ``"midpoint"``,
            ``"gauss-legendre"`` or ``"chebyshev"``. None means ``"gauss-legendre"``, or ``"chebyshev"`` with a tolerance.
        tolerance: add points, and keep all old ones, until the gap is at most this fraction of the change. Each input gets as
            many points as it needs. ``"chebyshev"`` doubles the number of points at a time, the other rules triple it.
        max_steps: with a tolerance, the largest number of points. If it does not suffice, a ``ToleranceWarning`` is issued.
        details: record the ``gap``, the ``change`` (both in score units) and the number of ``points`` in the mask's
            ``details``. This evaluates both ends of the path; two of the rules do so anyway.

    Source:
        Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks, arXiv:1703.01365; several baselines: Erion et al.,
        Improving performance of deep learning models with axiomatic attribution priors and expected gradients,
        arXiv:1906.10670.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        x_baseline: Any = None,
        x_steps: int | None = None,
        rule: QuadratureRule | None = None,
        tolerance: float | None = None,
        max_steps: int = 1000,
        details: bool = False,
    ) -> Array:
        """Return (x - baseline) times the mean gradient between them."""
        check_tolerance(tolerance)
        whole_number("max_steps", max_steps, least=1)
        default_rule, default_steps = DEFAULTS[tolerance is not None]
        quadrature = make_quadrature(default_rule if rule is None else rule, default_steps if x_steps is None else x_steps)
        if tolerance is not None:
            return score.one_by_one(partial(_integrate_to_tolerance, x_baseline, quadrature, tolerance, max_steps), x)
        paths = [_Path(score, x, baseline) for baseline in make_baselines(x_baseline, score, x)]
        for path in paths:
            path.add(quadrature)
        return _mean_mask(paths, details)


class _Path:
    """The straight path from a baseline to the inputs, and the weighted sum of the gradients on it so far."""

    def __init__(self, score: Score, x: Array, baseline: Array) -> None:
        self.score, self.x, self.baseline = score, x, baseline
        self.total: Array = 0.0
        self.points = 0
        self.end_scores: dict[float, Array] = {}  # the scores (N,) at 0 and 1, if they were evaluated

    def add(self, new: NodesAndWeights | Quadrature, keep: float = 0.0) -> None:
        """Add the gradients at new nodes, after multiplying the sum so far by ``keep``."""
        adapter, xp, n = self.score.adapter, self.score.adapter.xp, self.score.n
        ones, difference = [1] * len(self.x.shape), self.x - self.baseline
        nodes = xp.reshape(adapter.asarray(new.nodes), (-1, *ones))
        weights = adapter.asarray(new.weights[None])  # (1, points)
        self.total, self.points = self.total * keep, self.points + len(new.nodes)
        for chunk in self.score.batches(len(new.nodes)):
            points = nodes[chunk.start : chunk.stop] * difference  # (points, N, *input)
            points += self.baseline
            scores, gradients = self.score.repeat(len(chunk)).values_and_gradients(xp.reshape(points, (-1, *self.x.shape[1:])))
            weighted = weights[:, chunk.start : chunk.stop] @ xp.reshape(
                gradients, (len(chunk), -1)
            )  # reads the gradients once
            self.total = self.total + xp.reshape(weighted, self.x.shape)
            scores = xp.reshape(scores, (len(chunk), n))
            self.end_scores |= {float(new.nodes[chunk[i]]): scores[i] for i in (0, -1) if new.nodes[chunk[i]] in (0.0, 1.0)}

    @property
    def mask(self) -> Array:
        return self.total * (self.x - self.baseline)

    def change(self) -> Array:
        """Return the change of the score along the path, (N,)."""
        missing = [(end, point) for end, point in ((0.0, self.baseline), (1.0, self.x)) if end not in self.end_scores]
        if missing:
            ends, points = zip(*missing, strict=True)
            values = self.score.repeat(len(ends)).values(self.score.adapter.xp.concatenate(points))
            self.end_scores |= {end: values[i * self.score.n : (i + 1) * self.score.n] for i, end in enumerate(ends)}
        return self.end_scores[1.0] - self.end_scores[0.0]


def _mean_mask(paths: list[_Path], details: bool) -> Array:
    """Return the mean of the masks; record its gap if requested, or if the scores at both ends are known anyway."""
    mask = sum(path.mask for path in paths) / len(paths)
    if details or all(len(path.end_scores) == 2 for path in paths):
        score = paths[0].score
        change = sum(path.change() for path in paths) / len(paths)
        xp = score.adapter.xp
        gap = xp.sum(xp.reshape(mask, (score.n, -1)), axis=1) - change
        score.record(score=paths[0].end_scores[1.0], gap=gap, change=change, points=sum(path.points for path in paths))
    return mask


def _integrate_to_tolerance(
    x_baseline: Any, quadrature: Quadrature, tolerance: float, max_steps: int, score: Score, x: Array
) -> Array:
    """Integrate for one input with as many points as the tolerance requires."""
    paths = [_Path(score, x, baseline) for baseline in make_baselines(x_baseline, score, x)]
    new: NodesAndWeights | Quadrature = quadrature
    keep = 0.0
    while True:
        for path in paths:
            path.add(new, keep)
        mask = _mean_mask(paths, details=True)
        gap, change = (abs(float(score.adapter.numpy(score.details[name])[0])) for name in ("gap", "change"))
        used, (quadrature, new, keep) = len(quadrature.nodes), quadrature.refine()
        at_limit = len(quadrature.nodes) > max_steps
        if should_stop(gap / change if change else gap, tolerance, at_limit, f"gap after {used} steps", "max_steps"):
            return mask
