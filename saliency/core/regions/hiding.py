"""The score of N inputs in which regions are hidden."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.channel_axis import input_axes
from saliency.core.methods.baselines import make_baseline
from saliency.core.points import values_of_points
from saliency.core.regions.coalitions import Coalitions
from saliency.core.regions.felzenszwalb import Labels
from saliency.core.score import Score
from saliency.core.types import Array

HostArray = npt.NDArray[np.float64]


class RegionScores:
    """The score of N inputs as a function of the visibility of their regions.

    Args:
        score: the score of the inputs.
        x: (N, *input).
        labels: the regions of each input, (N, *space); all inputs have the same number of them.
        value: the content of a hidden region, see ``make_baseline``.
    """

    def __init__(self, score: Score, x: Array, labels: Labels, value: Any) -> None:
        self.score, self.x, self.labels = score, x, labels
        self.cover = make_baseline(value, score, x, "value")
        self.covers_with_zeros = type(value) in (int, float) and value == 0
        self.regions = int(labels.max()) + 1
        axes = input_axes(score.adapter, x)
        self.map_shape = (len(labels), *(int(n) if axis in axes else 1 for axis, n in enumerate(x.shape) if axis))  # 1 channel

    def __call__(self, coalitions: Coalitions, starts_with_whole: bool = False) -> HostArray:
        """Return the ``evaluate``d scores of coalitions (coalitions, regions)."""
        return self.evaluate(lambda rows: coalitions[rows.start : rows.stop], len(coalitions), starts_with_whole)

    def evaluate(self, form: Callable[[range], Coalitions], count: int, starts_with_whole: bool = False) -> HostArray:
        """Return the scores (count, N) of inputs v x + (1 - v) cover, where v is the visibility of a position's region.

        Args:
            form: returns coalitions of a range, (coalitions, regions): the visibility of each region, from 0 to 1.
            count: number of coalitions.
            starts_with_whole: the first coalition has all regions; its scores are recorded as those of the inputs.
        """
        scores = [values_of_points(self.score, self._points(form(chunk))) for chunk in self.score.batches(count)]
        joined = scores[0] if len(scores) == 1 else self.score.adapter.xp.concatenate(scores)
        if starts_with_whole:
            self.record_whole(joined[0])
        return np.asarray(self.score.adapter.numpy(joined), np.float64)  # one transfer

    def record_whole(self, scores: Array) -> None:
        """Record the scores (N,) of all regions as those of the inputs, unless ``x`` holds others, such as noisy copies."""
        if self.x is self.score.inputs:
            self.score.record(score=scores)

    def _points(self, coalitions: Coalitions) -> Array:
        """Return the inputs of coalitions, (coalitions, N, *input)."""
        single = coalitions.astype(np.float32)
        rows = single if (single == coalitions).all() else coalitions  # the same numbers in half the memory
        of_positions = rows[:, self.labels]  # (coalitions, N, *space)
        visibility = self.score.adapter.asarray(of_positions.reshape(len(coalitions), *self.map_shape))
        return visibility * self.x if self.covers_with_zeros else visibility * self.x + (1.0 - visibility) * self.cover
