"""Guided integrated gradients: integrated gradients along a path of small gradients."""

from dataclasses import dataclass, replace
from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baselines
from saliency.core.methods.path_integrals import record_gap_to_baselines
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import real_number, whole_number


@final
class GuidedIG(SaliencyMask):
    """Integrate gradients along a path from a baseline to the input that changes the values with small gradients first.

    The mask has the input's shape, in score units. Its sum is the change of the score from the baseline to the input, up to
    an integration error, the gap. Compared with ``IntegratedGradients``, the path avoids regions in which the gradient is
    large but unrelated to the explained class.

    Options:
        x_baseline: one or several baselines, as for ``IntegratedGradients``. The masks of several are averaged.
        x_steps: number of steps, one gradient each. In each step, the distance (L1) to the input decreases by the same amount.
        fraction: fraction of the input's values that are changed together, those with the smallest gradients first; above 0,
            at most 1.
        max_dist: largest deviation of each value from the straight path, as a fraction of the path: 0 is integrated gradients,
            1 does not limit it.
        details: record the ``gap``, the ``change`` (both in score units) and the number of ``points`` in the mask's
            ``details``. This evaluates the score at the input and the baselines.

    Source:
        Kapishnikov et al., Guided Integrated Gradients: An Adaptive Path Method for Removing Noise, arXiv:2106.09788.
    """

    unit = SCORE

    def masks(
        self,
        score: Score,
        x: Array,
        x_baseline: Any = None,
        x_steps: int = 200,
        fraction: float = 0.25,
        max_dist: float = 0.02,
        details: bool = False,
    ) -> Array:
        """Return the sum over steps of gradient * change of the input."""
        steps = whole_number("x_steps", x_steps, least=1)
        fraction = real_number("fraction", fraction, least=0, most=1, excludes_least=True)
        max_dist = real_number("max_dist", max_dist, least=0, most=1)
        xp, baselines = score.adapter.xp, make_baselines(x_baseline, score, x)
        start = xp.concatenate(baselines)  # (baselines * N, *input)
        copies = replace(score.repeat(len(baselines)), per_input=1)  # paths of targets that share an input part
        difference = xp.concatenate([x] * len(baselines)) - start
        path = GuidedPath.of(score, difference, fraction)
        score.plan.progress.announce(steps * copies.n)
        total = path.position
        for step in range(1, steps + 1):
            gradients = copies.gradients(start + xp.reshape(path.position, difference.shape) * difference)
            gradients = xp.reshape(gradients, total.shape)
            total = total + gradients * path.advance(gradients, step / steps, max_dist)
        total = xp.reshape(total, difference.shape) * difference
        mask = xp.mean(xp.reshape(total, (len(baselines), score.n, *x.shape[1:])), axis=0)
        if details:
            record_gap_to_baselines(score, x, baselines, mask, steps * len(baselines))
        return mask


@dataclass
class GuidedPath:
    """How far each value of N samples is on its way from the baseline to the input.

    Args:
        score: the score, for its adapter.
        distances: magnitude of the difference between input and baseline, (N, D).
        group: number of values that are changed together.
        position: fraction of the way, (N, D), 0 at the baseline.
    """

    score: Score
    distances: Array
    group: int
    position: Array

    @classmethod
    def of(cls, score: Score, difference: Array, fraction: float) -> "GuidedPath":
        """Return the start of the path with a difference (N, *input) between input and baseline."""
        flat = score.adapter.xp.reshape(difference, (difference.shape[0], -1))
        return cls(score, abs(flat), int(fraction * (flat.shape[1] - 1)) + 1, 0.0 * flat)

    def advance(self, gradients: Array, goal: float, max_dist: float) -> Array:
        """Move to the goal, on average over the distances, and return the changes of the fractions, (N, D).

        The values with the smallest gradients move first, as far as ``max_dist`` allows. Values at the end of their range
        are not counted among them.

        Args:
            gradients: at the current point, (N, D).
            goal: the mean fraction of the way, weighted by the distances, after this step.
            max_dist: largest difference between a fraction and the goal.
        """
        adapter, old = self.score.adapter, self.position
        low, high = max(goal - max_dist, 0.0), min(goal + max_dist, 1.0)
        position = adapter.xp.clip(old, low, high)
        amount = adapter.xp.sum(self.distances * (goal - position), axis=1, keepdims=True)
        gap = high - position
        empty = adapter.fill_smallest_first(abs(gradients), self.distances * gap, amount, self.group)
        self.position = high - empty * gap
        return self.position - old
