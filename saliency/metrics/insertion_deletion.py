"""Insertion and deletion: how the score changes while the most important pixels appear or vanish."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.methods.baselines import make_baseline
from saliency.core.validation import whole_number
from saliency.metrics.curve import Curve
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.masking import fraction_counts, replaced_scores
from saliency.metrics.result import MetricResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions


def insertion(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    steps: int = 50,
    baseline: Any = "blur",
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute the area under the score while the most important pixels are inserted into a baseline.

    The curve is score(baseline with the highest-ranked fraction f of the pixels of the input), f from 0 to 1; the value is its
    area by the trapezoidal rule, in score units. Higher is better. With ``probability`` the range is 0 to 1. xplique's
    ``Insertion`` returns the mean over the inputs.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        steps: number of steps from none to all of the pixels.
        baseline: the content of pixels that are not inserted yet; see ``Occlusion`` (``value``).

    Source:
        Petsiuk, Das & Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, arXiv:1806.07421.
    """
    return _area("insertion", Evaluation(model, x_values, masks, y, **options), steps, baseline)


def deletion(
    model: Any,
    x_values: Any,
    masks: Any,
    y: Any = None,
    *,
    steps: int = 50,
    baseline: Any = 0.0,
    **options: "Unpack[EvaluationOptions]",
) -> MetricResult:
    """Compute the area under the score while the most important pixels are replaced by a baseline.

    The curve is score(input with the highest-ranked fraction f of its pixels replaced), f from 0 to 1; the value is its area
    by the trapezoidal rule, in score units. Lower is better. With ``probability`` the range is 0 to 1. Quantus'
    ``PixelFlipping`` has this curve without its first point for images of one channel, and otherwise replaces each channel of
    a pixel alone; xplique's ``Deletion`` returns the mean over the inputs.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        steps: number of steps from none to all of the pixels.
        baseline: the content of deleted pixels; see ``Occlusion`` (``value``).

    Source:
        Petsiuk, Das & Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, arXiv:1806.07421.
    """
    return _area("deletion", Evaluation(model, x_values, masks, y, **options), steps, baseline)


def _area(metric: str, evaluation: Evaluation, steps: int, baseline: Any) -> MetricResult:
    steps = whole_number("steps", steps, least=1)
    fractions: list[npt.NDArray[np.float64]] = []

    def scores(part: Part) -> npt.NDArray[np.float64]:
        cover, ranks = make_baseline(baseline, part.score, part.x, "baseline"), part.ranks()
        counts = fraction_counts(ranks[0].size, steps)
        fractions[:] = [counts / counts[-1]]
        before, after = (cover, part.x) if metric == "insertion" else (part.x, cover)
        return replaced_scores(part, before, after, ranks, counts)

    values, details = evaluation.run(scores)
    curve = Curve(fractions[0], values, f"fraction of pixels {metric[:-3]}ed", evaluation.unit)
    return MetricResult(metric, curve.area, metric == "insertion", curve, details)
