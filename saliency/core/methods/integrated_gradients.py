"""Integrated gradients and expected gradients."""

from collections.abc import Sequence
from functools import partial
from typing import Any, final

from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baselines
from saliency.core.methods.conductance import conductance
from saliency.core.methods.integration_path import IntegrationPath, PathChoice, check_path, make_path
from saliency.core.methods.path_integrals import integrate_to_tolerance, mean_mask, record_gap_to_baselines
from saliency.core.numerics.quadrature import Floats, QuadratureRule, make_quadrature
from saliency.core.numerics.tolerance import check_tolerance
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
            ``"gauss-legendre"``, ``"chebyshev"`` or ``"right"``. None means ``"gauss-legendre"``, or ``"chebyshev"`` with a
            tolerance.
        tolerance: add points, and keep all old ones, until the gap is at most this fraction of the change. Each input gets as
            many points as it needs. ``"chebyshev"`` doubles the number of points at a time, the other rules triple it.
        max_steps: with a tolerance, the largest number of points. If it does not suffice, a ``ToleranceWarning`` is issued.
        at: a layer, as for ``Vanilla``: attribute the score to the values of the layer's input, or output by
            ``saliency.OutputOf(layer)``, instead of the model's input. The mask has the shape of that array in the framework.
        path: with ``at``, ``"layer"`` integrates on a straight path between the values of the layer at the baseline and at
            the input (layer integrated gradients), from which the model continues. ``"input"`` integrates on the path in the
            input: each gradient is multiplied by the next change of the values (layer conductance, with one point more than
            ``x_steps``).
        multiply_by_inputs: if False, return the mean gradient on the path, in score units per unit of the input or layer. On
            a path in the input with ``at``, this is internal influence.
        details: record the ``gap``, the ``change`` (both in score units) and the number of ``points`` in the mask's
            ``details``. This evaluates both ends of the path; two of the rules do so anyway.

    Source:
        Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks, arXiv:1703.01365; several baselines: Erion et al.,
        Improving performance of deep learning models with axiomatic attribution priors and expected gradients,
        arXiv:1906.10670; conductance: Dhamdhere, Sundararajan & Yan, How Important Is a Neuron?, arXiv:1805.12233; internal
        influence: Leino et al., Influence-Directed Explanations for Deep Convolutional Networks, arXiv:1802.03788.
    """

    joins_inputs = True
    unit = SCORE

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
        at: Any = None,
        path: PathChoice = "layer",
        multiply_by_inputs: bool = True,
    ) -> Array:
        """Return (x - baseline) times the mean gradient between them."""
        check_tolerance(tolerance)
        whole_number("max_steps", max_steps, least=1)
        check_path(path)
        default_rule, steps = DEFAULTS[tolerance is not None]
        rule, steps = default_rule if rule is None else rule, steps if x_steps is None else x_steps
        quadrature, score = make_quadrature(rule, steps), score.using(at=at)
        in_input = at is not None and path == "input"
        if in_input and (tolerance is not None or (details and not multiply_by_inputs)):
            name, value = ("tolerance", tolerance) if tolerance is not None else ("details", details)
            raise InputError(f'`{name}` (={value!r}) has no gap to measure with path="input" here; use path="layer"')
        if in_input and multiply_by_inputs:
            return _mean_conductance(score, x, x_baseline, make_quadrature(rule, int(steps) + 1).nodes, details)
        if tolerance is not None:
            paths_of, read = partial(_make_paths, x_baseline, path), None if multiply_by_inputs else _mean_gradient
            integrate = partial(integrate_to_tolerance, paths_of, quadrature, tolerance, max_steps, read)
            return score.one_by_one(integrate, x)
        paths = _make_paths(x_baseline, path, score, x)
        for one in paths:
            one.add(quadrature)
        mask = None if in_input else mean_mask(paths, details)
        return mask if multiply_by_inputs and mask is not None else _mean_gradient(paths)


def _mean_conductance(score: Score, x: Array, x_baseline: Any, nodes: Floats, details: bool) -> Array:
    """Return the mean over baselines of layer conductance; record its gap if requested."""
    baselines = make_baselines(x_baseline, score, x)
    mask = sum(conductance(score, x, baseline, nodes) for baseline in baselines) / len(baselines)
    if details:
        record_gap_to_baselines(score, x, baselines, mask, len(nodes) * len(baselines))
    return mask


def _make_paths(x_baseline: Any, choice: PathChoice, score: Score, x: Array) -> list[IntegrationPath]:
    return [make_path(score, x, baseline, choice) for baseline in make_baselines(x_baseline, score, x)]


def _mean_gradient(paths: Sequence[Any]) -> Array:
    return sum(path.total for path in paths) / len(paths)
