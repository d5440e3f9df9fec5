"""Integrated gradients."""

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
"""Without a tolerance, and with one: the rule, and the number of points."""


@final
class IntegratedGradients(SaliencyMask):
    """The gradient, averaged on the straight line from a baseline to the input, times the difference of the two.

    The mask has the input's shape, in score units; its sum is the score's change from the baseline to the input
    (completeness), up to the error of the integration, the gap.

    Options:
        x_baseline: None (zeros), a number, an array of the input's shape, ``"blur"``, ``"mean"``, ``"min"``, ``"max"``; or
            several, as a list or an array (baselines, *input), over which the masks are averaged (expected gradients).
        x_steps: number of points on the line: 25; to begin with, where there is a tolerance: 7.
        rule: of integration: ``"inclusive"`` (PAIR's), ``"trapezoid"``, ``"midpoint"``, ``"gauss-legendre"`` or
            ``"chebyshev"``; None is ``"gauss-legendre"``, and ``"chebyshev"`` where there is a tolerance.
        tolerance: add points, without losing one, until the gap is no more than this part of the change; each input takes
            what it needs. By ``"chebyshev"`` there are twice as many at a time, by another rule three times as many.
        max_steps: stop there, with a warning.
        details: evaluate the ends of the line, which two rules do anyway: the mask's ``details`` then hold the ``gap``, the
            ``change`` (both in score units) and the number of ``points``.

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
        usual, steps = DEFAULTS[tolerance is not None]
        points = make_quadrature(usual if rule is None else rule, steps if x_steps is None else x_steps)
        if tolerance is not None:
            return score.one_by_one(partial(_integrate_to_tolerance, x_baseline, points, tolerance, max_steps), x)
        paths = [_Path(score, x, baseline) for baseline in make_baselines(x_baseline, score, x)]
        for path in paths:
            path.add(points)
        return _mean_mask(paths, details)


class _Path:
    """The straight line from a baseline to the inputs, and the sum of the gradients on it so far."""

    def __init__(self, score: Score, x: Array, baseline: Array) -> None:
        self.score, self.x, self.baseline = score, x, baseline
        self.total: Array = 0.0
        self.points = 0
        self.ends: dict[float, Array] = {}  # the scores (N,) at 0 and 1, where a rule evaluates them

    def add(self, new: NodesAndWeights | Quadrature, keep: float = 0.0) -> None:
        """Add gradients at new points; the sum so far counts by ``keep``."""
        adapter, xp, n = self.score.adapter, self.score.adapter.xp, self.score.n
        ones, difference = [1] * len(self.x.shape), self.x - self.baseline
        nodes = xp.reshape(adapter.asarray(new.nodes), (-1, *ones))
        widths = adapter.asarray(new.weights[None])  # (1, points)
        self.total, self.points = self.total * keep, self.points + len(new.nodes)
        for run in self.score.batches(len(new.nodes)):
            points = nodes[run.start : run.stop] * difference  # (points, N, *input)
            points += self.baseline
            scores, gradients = self.score.repeat(len(run)).values_and_gradients(xp.reshape(points, (-1, *self.x.shape[1:])))
            weighted = widths[:, run.start : run.stop] @ xp.reshape(gradients, (len(run), -1))  # one pass over the gradients
            self.total = self.total + xp.reshape(weighted, self.x.shape)
            scores = xp.reshape(scores, (len(run), n))
            self.ends |= {float(new.nodes[run[i]]): scores[i] for i in (0, -1) if new.nodes[run[i]] in (0.0, 1.0)}

    @property
    def mask(self) -> Array:
        return self.total * (self.x - self.baseline)

    def change(self) -> Array:
        """Return the score's change along the line, (N,)."""
        missing = [(end, point) for end, point in ((0.0, self.baseline), (1.0, self.x)) if end not in self.ends]
        if missing:
            ends, points = zip(*missing, strict=True)
            values = self.score.repeat(len(ends)).values(self.score.adapter.xp.concatenate(points))
            self.ends |= {end: values[i * self.score.n : (i + 1) * self.score.n] for i, end in enumerate(ends)}
        return self.ends[1.0] - self.ends[0.0]


def _mean_mask(paths: list[_Path], details: bool) -> Array:
    """Return the mean of the masks, and note how far it is from complete where that is wanted or known anyway."""
    mask = sum(path.mask for path in paths) / len(paths)
    if details or all(len(path.ends) == 2 for path in paths):
        score = paths[0].score
        change = sum(path.change() for path in paths) / len(paths)
        xp = score.adapter.xp
        gap = xp.sum(xp.reshape(mask, (score.n, -1)), axis=1) - change
        score.record(score=paths[0].ends[1.0], gap=gap, change=change, points=sum(path.points for path in paths))
    return mask


def _integrate_to_tolerance(
    x_baseline: Any, points: Quadrature, tolerance: float, max_steps: int, score: Score, x: Array
) -> Array:
    """Integrate for one input, with as many points as it takes."""
    paths = [_Path(score, x, baseline) for baseline in make_baselines(x_baseline, score, x)]
    new: NodesAndWeights | Quadrature = points
    keep = 0.0
    while True:
        for path in paths:
            path.add(new, keep)
        mask = _mean_mask(paths, details=True)
        gap, change = (abs(float(score.adapter.numpy(score.details[name])[0])) for name in ("gap", "change"))
        used, (points, new, keep) = len(points.nodes), points.refine()
        last = len(points.nodes) > max_steps
        if should_stop(gap / change if change else gap, tolerance, last, f"gap after {used} steps", "max_steps"):
            return mask
