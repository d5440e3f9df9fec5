"""Completeness: whether a map adds up to the score that it explains."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.methods.baselines import make_baseline
from saliency.metrics.evaluation import Evaluation, Part
from saliency.metrics.result import MetricResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from saliency.metrics.evaluation import EvaluationOptions


def completeness(
    model: Any, x_values: Any, masks: Any, y: Any = None, *, baseline: Any = 0.0, **options: "Unpack[EvaluationOptions]"
) -> MetricResult:
    """Compute by how much each map misses the difference of the scores of its input and of a baseline.

    The value is abs(sum(map) - (score(x) - score(baseline))), in score units. Lower is better; the range is 0 to infinity. It
    says nothing about where the map is right: one that is constant over the image can have a value of 0. Only methods that
    promise completeness, such as integrated gradients, can be expected to have a small value. ``details`` holds ``sum`` and
    ``difference``, (N,) each.

    Args:
        model, x_values, masks, y, **options: see ``saliency.metrics.Evaluation``.
        baseline: the baseline of the maps; see ``Occlusion`` (``value``).

    Source:
        Sundararajan, Taly & Yan, Axiomatic Attribution for Deep Networks, arXiv:1703.01365, section 3.
    """
    evaluation = Evaluation(model, x_values, masks, y, **options)

    def gaps(part: Part) -> npt.NDArray[np.float64]:
        score, numpy = part.score, part.score.adapter.numpy
        cover = make_baseline(baseline, score, part.x, "baseline")
        clean, empty = (np.asarray(numpy(score.values(values)), np.float64) for values in (part.x, cover))
        part.details["sum"], part.details["difference"] = part.maps.reshape(len(part.maps), -1).sum(axis=1), clean - empty
        return np.asarray(np.abs(part.details["sum"] - part.details["difference"]))

    values, details = evaluation.run(gaps)
    return MetricResult("completeness", values, False, details=details)
