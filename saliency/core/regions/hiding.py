"""The score of N inputs in which regions are hidden."""

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
        self.regions = int(labels.max()) + 1
        axes = input_axes(score.adapter, x)
        self.map_shape = (len(labels), *(int(n) if axis in axes else 1 for axis, n in enumerate(x.shape) if axis))  # 1 channel

    def visible(self) -> HostArray:
        """Return the scores of the inputs as they are, (N,)."""
        self.score.plan.progress.announce(self.score.n)
        return np.asarray(self.score.adapter.numpy(self.score.values(self.x)), np.float64)

    def hidden(self) -> HostArray:
        """Return the scores of the inputs with every region hidden, (N,)."""
        found: HostArray = self(np.zeros((1, self.regions)))[0]
        return found

    def __call__(self, coalitions: Coalitions) -> HostArray:
        """Return the scores (coalitions, N) of inputs v x + (1 - v) cover, where v is the visibility of a position's region.

        Args:
            coalitions: visibility of each region, from 0 to 1, (coalitions, regions).
        """
        adapter, xp = self.score.adapter, self.score.adapter.xp
        scores = []
        for chunk in self.score.batches(len(coalitions)):
            of_positions = coalitions[chunk.start : chunk.stop][:, self.labels]  # (coalitions, N, *space)
            visibility = adapter.asarray(of_positions.reshape(len(chunk), *self.map_shape))
            points = visibility * self.x + (1.0 - visibility) * self.cover
            scores.append(values_of_points(self.score, points))
        found = adapter.numpy(scores[0] if len(scores) == 1 else xp.concatenate(scores))  # one transfer
        return np.asarray(found, np.float64)
