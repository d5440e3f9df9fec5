"""DeepLIFT and DeepSHAP: changes from a baseline, propagated back through each operation."""

from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ModelError
from saliency.core.mask import SaliencyMask
from saliency.core.methods.baselines import make_baseline, make_baselines
from saliency.core.score import Score
from saliency.core.types import Array

GAP_TOLERANCE = 0.01
"""Largest gap, as a fraction of the change of the score, beside rounding."""

ROUNDING_FACTOR = 2**14
"""Multiple of the model's rounding error that the gap may be, as a fraction of the sum of the mask's magnitudes."""


@final
class DeepLIFT(SaliencyMask):
    """Distribute the change of the score, from a baseline to the input, by the rules of DeepLIFT.

    The mask has the input's shape, in score units. Its sum is the change of the score (completeness). It is (input - baseline)
    times the multipliers, which pass each operation by a rule of its own; see ``saliency.core.multiplier_rules``. It takes two
    forward passes and one backward pass.

    Options:
        x_baseline: None (zeros), a number, an array of the input's shape, or one computed from the input: ``"blur"``,
            ``"mean"``, ``"min"`` or ``"max"``.

    Details:
        change: score - score at the baseline.
        gap: change - sum of the mask; rounding only.

    Source:
        Shrikumar et al., Learning Important Features Through Propagating Activation Differences, arXiv:1704.02685, the Rescale
        rule.
    """

    joins_inputs = True

    def masks(self, score: Score, x: Array, x_baseline: Any = None) -> Array:
        """Return (x - baseline) times the multipliers between them."""
        return _mean_attribution(score, x, [make_baseline(x_baseline, score, x)])


@final
class DeepSHAP(SaliencyMask):
    """Average DeepLIFT over several baselines, which estimates SHAP values.

    The mask has the input's shape, in score units. Its sum is the score minus its mean over the baselines.

    Options:
        x_baseline: one or several baselines, as for ``IntegratedGradients``: such as a list of images of the training data.

    Details:
        change: score - mean score at the baselines.
        gap: change - sum of the mask; rounding only.

    Source:
        Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, arXiv:1705.07874, section 4.2.
    """

    joins_inputs = True

    def masks(self, score: Score, x: Array, x_baseline: Any = None) -> Array:
        """Return the mean over baselines of (x - baseline) times the multipliers between them."""
        baselines = make_baselines(x_baseline, score, x)
        score.plan.progress.announce(len(baselines) * score.n)
        return _mean_attribution(score, x, baselines)


def _mean_attribution(score: Score, x: Array, baselines: list[Array]) -> Array:
    """Return the mean of the attributions for each baseline, and record the change of the score and the gap."""
    xp, total, start = score.adapter.xp, 0.0, 0.0
    for baseline in baselines:
        scores, starts, multipliers = score.multipliers(x, baseline)
        total = total + (x - baseline) * multipliers / len(baselines)
        start = start + starts / len(baselines)
    change = scores - start
    rows = xp.reshape(total, (score.n, -1))
    gap, size = change - xp.sum(rows, axis=1), xp.sum(xp.clip(rows, 0.0, None) - xp.clip(rows, None, 0.0), axis=1)
    if score.modifier is None:
        numpy = score.adapter.numpy
        _check_gap(numpy(gap), numpy(change), numpy(size), score.adapter.rounding_error)
    score.record(change=change, gap=gap)
    return total


def _check_gap(gap: npt.NDArray[Any], change: npt.NDArray[Any], size: npt.NDArray[Any], rounding_error: float) -> None:
    """Check that the attributions add up to the change of the score, except for rounding.

    Raises:
        ModelError: if they do not.
    """
    wrong = np.abs(gap) > GAP_TOLERANCE * np.abs(change) + ROUNDING_FACTOR * rounding_error * size
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.abs(gap), 0)))
        raise ModelError(
            f"DeepLIFT distributes {float(change[worst] - gap[worst]):.4g} of a change of the score of "
            f"{float(change[worst]):.4g}: a part of the change passes operations without a gradient, such as detach(), "
            "rounding or a comparison. Use Occlusion, which needs no gradient"
        )
