"""Blur integrated gradients: integrated gradients along a path on which a blurred input becomes sharp."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import final

import numpy as np

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.path_integrals import integrate_to_tolerance, mean_mask
from saliency.core.numerics.gaussian_blur import SCIPY_RADIUS, blur, blur_and_derivative
from saliency.core.numerics.quadrature import CellQuadrature, NodesAndWeights, Quadrature, QuadratureRule, make_quadrature
from saliency.core.numerics.tolerance import check_tolerance
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import real_number, whole_number

DEFAULTS: dict[bool, tuple[QuadratureRule, int]] = {False: ("gauss-legendre", 100), True: ("chebyshev", 15)}
"""The default rule and number of points, without a tolerance (False) and with one (True)."""

MAX_BLUR = 100
"""The largest standard deviation of a blur, in units of the longest spatial axis; it leaves below 1/250 of the maximum."""

MIN_GRAD_STEP = 1e-6
"""The smallest step of forward differences, whose result in float32 is mostly rounding already."""


@final
class BlurIG(SaliencyMask):
    """Integrate gradients along a path on which a blurred input becomes sharp.

    The mask is the integral of the gradient times the change of the input on the path. It has the input's shape, in score
    units. Its sum is the change of the score from the blurred input to the input (completeness), up to an integration error,
    the gap. No baseline has to be chosen. Spatial axes are blurred; beyond the borders are zeros.

    Options:
        max_sigma: standard deviation of the blur at the start of the path, in positions (pixels), at most 100 times the
            longest spatial axis. A blur as wide as the input already removes it; larger ones waste points.
        x_steps: number of points on the path, 100 by default. With a tolerance, the number to start with, 15 by default.
        sqrt: space the points by the variance of the blur instead of its standard deviation.
        rule: the quadrature rule, as for ``IntegratedGradients``; ``"right"`` is that of PAIR's ``saliency``.
        grad_step: None differentiates the blur exactly. A number computes forward differences with this step of the standard
            deviation, 1e-6 or more, of kernels that end at 4 standard deviations, as PAIR's ``saliency`` does with 0.01.
        tolerance: add points until the gap is at most this fraction of the change, as for ``IntegratedGradients``.
        max_steps: with a tolerance, the largest number of points. If it does not suffice, a ``ToleranceWarning`` is issued.
        details: record the ``gap``, the ``change`` (both in score units) and the number of ``points`` in the mask's
            ``details``. This evaluates both ends of the path.

    Source:
        Xu, Venugopalan & Sundararajan, Attribution in Scale and Space, arXiv:2004.03383.
    """

    unit = SCORE

    def masks(
        self,
        score: Score,
        x: Array,
        max_sigma: float = 50.0,
        x_steps: int | None = None,
        sqrt: bool = False,
        rule: QuadratureRule | None = None,
        grad_step: float | None = None,
        tolerance: float | None = None,
        max_steps: int = 1000,
        details: bool = False,
    ) -> Array:
        """Return the integral of gradient(blurred x) * d(blurred x) from the strongest blur to none."""
        check_tolerance(tolerance)
        whole_number("max_steps", max_steps, least=1)
        sigma = real_number("max_sigma", max_sigma, least=0, excludes_least=True)
        step = None if grad_step is None else real_number("grad_step", grad_step, least=MIN_GRAD_STEP)
        default_rule, steps = DEFAULTS[tolerance is not None]
        quadrature = make_quadrature(default_rule if rule is None else rule, steps if x_steps is None else x_steps)
        by_variance = sqrt
        if sqrt and rule == "right" and isinstance(quadrature, CellQuadrature):
            quadrature, by_variance = _cells_of_square_root(quadrature), False
        axes = input_axes(score.adapter, x)
        _check_blur(sigma, max(int(x.shape[axis]) for axis in axes))

        def make_paths(score: Score, x: Array) -> Sequence[BlurPath]:
            return [BlurPath(score, x, axes, sigma, by_variance, step)]

        if tolerance is not None:
            integrate = partial(integrate_to_tolerance, make_paths, quadrature, tolerance, max_steps, None)
            return score.one_by_one(integrate, x)
        paths = make_paths(score, x)
        paths[0].add(quadrature)
        return mean_mask(paths, details)


def _check_blur(sigma: float, longest: int) -> None:
    if sigma > MAX_BLUR * longest:
        raise InputError(
            f"`max_sigma` (={sigma:g}) must not exceed {MAX_BLUR * longest}, {MAX_BLUR} times the longest spatial axis of the "
            f"input: a blur of {longest} positions already removes it"
        )


def _cells_of_square_root(cells: CellQuadrature) -> CellQuadrature:
    """Return the cells for the standard deviation that have equal differences of the variance."""
    edges, nodes = 1 - np.sqrt(1 - np.r_[cells.edges, 1.0].clip(max=1.0)), 1 - np.sqrt(1 - cells.nodes)
    return CellQuadrature(edges[:-1], np.diff(edges), nodes)


@dataclass
class BlurPath:
    """A path from the blurred input (position 0) to the input (position 1); see ``path_integrals.Path``.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        axes: the axes of ``x`` that are blurred.
        max_sigma: standard deviation at the start, in positions.
        by_variance: whether the variance decreases evenly along the path; otherwise the standard deviation.
        grad_step: see ``BlurIG``.
        mask: the integral so far, (N, *input).
    """

    score: Score
    x: Array
    axes: Sequence[int]
    max_sigma: float
    by_variance: bool
    grad_step: float | None
    mask: Array = 0.0
    points: int = 0
    end_scores: dict[float, Array] = field(default_factory=dict)

    def add(self, new: NodesAndWeights | Quadrature, keep: float = 0.0) -> None:
        """Add the gradients at new nodes, after multiplying the sum so far by ``keep``."""
        xp, n, shape = self.score.adapter.xp, self.score.n, self.x.shape
        self.mask, self.points = self.mask * keep, self.points + len(new.nodes)
        for chunk in self.score.batches(len(new.nodes)):
            pairs = [self._blurred(float(new.nodes[i]), float(new.weights[i])) for i in chunk]
            blurred, changes = (xp.concatenate(arrays) for arrays in zip(*pairs, strict=True))
            scores, gradients = self.score.repeat(len(chunk)).values_and_gradients(blurred)
            self.mask = self.mask + xp.sum(xp.reshape(gradients * changes, (len(chunk), *shape)), axis=0)
            self.end_scores |= {
                float(new.nodes[i]): scores[k * n : (k + 1) * n] for k, i in enumerate(chunk) if new.nodes[i] in (0.0, 1.0)
            }

    def change(self) -> Array:
        """Return the change of the score along the path, (N,)."""
        for end in {0.0, 1.0} - set(self.end_scores):
            self.end_scores[end] = self.score.values(self._blurred(end, 0.0)[0])
        return self.end_scores[1.0] - self.end_scores[0.0]

    def _blurred(self, position: float, weight: float) -> tuple[Array, Array]:
        """Return the input at a position of the path, and the change of the input that belongs to the weight."""
        left = 1 - position
        sigma = self.max_sigma * (left**0.5 if self.by_variance else left)
        speed = -self.max_sigma * weight
        if self.by_variance:  # d sigma / d position; nothing changes near sigma = 0, where it is infinite
            speed = speed * self.max_sigma / (2 * sigma) if sigma else 0.0
        adapter, axes = self.score.adapter, self.axes
        if self.grad_step is None:
            blurred, derivative = blur_and_derivative(adapter, self.x, axes, sigma)
        else:
            blurred = blur(adapter, self.x, axes, sigma, SCIPY_RADIUS)
            ahead = blur(adapter, self.x, axes, sigma + self.grad_step, SCIPY_RADIUS)
            derivative = (ahead - blurred) / self.grad_step
        return blurred, derivative * speed
