"""Feature ablation: the drop in score when a region is hidden."""

from functools import partial
from typing import Any, final

from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.regions.coalitions import whole_and_without_each
from saliency.core.regions.explanation import RegionValues, explain_regions
from saliency.core.regions.hiding import RegionScores
from saliency.core.score import Score
from saliency.core.types import Array


@final
class FeatureAblation(SaliencyMask):
    """Hide one region at a time, and subtract the score from that of the whole input.

    The mask has the input's shape, with equal values in a region and in all channels, in score units. The method uses no
    gradients. ``details`` holds ``labels`` and ``region_values``; see ``saliency.core.regions.explanation``.

    Options:
        regions: how to divide an input: ``"grid"``, ``"slic"``, ``"felzenszwalb"``, an array of labels with the lengths of the
            spatial axes, a PIL image of labels, or a callable; see ``saliency.core.regions.labels.region_labels``.
        n_regions: approximate number of regions of ``"grid"`` and ``"slic"``; None means 49.
        value: the content of a hidden region, as for ``Occlusion``.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901, with regions for windows.
    """

    differentiates = False
    unit = SCORE
    empty = "the score does not change when any of the regions is hidden"

    def masks(self, score: Score, x: Array, regions: Any = "grid", n_regions: int | None = None, value: Any = 0.0) -> Array:
        """Return score(x) - score(x with the region of a position hidden)."""

        def estimate(scores: RegionScores) -> RegionValues:
            rows = partial(whole_and_without_each, scores.regions)
            found = scores.evaluate(rows, scores.regions + 1, starts_with_whole=True)
            return RegionValues((found[0] - found[1:]).T)

        return explain_regions(score, x, regions, n_regions, value, estimate)
