"""Explain the regions of N inputs by the scores of their coalitions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.regions.felzenszwalb import Labels
from saliency.core.regions.hiding import RegionScores
from saliency.core.regions.labels import Regions, region_labels
from saliency.core.score import Score
from saliency.core.types import Array


class RegionValues(NamedTuple):
    """The values of the regions of N inputs, (N, regions), and their standard errors; None if they are exact."""

    values: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64] | None = None


Estimate = Callable[[RegionScores], RegionValues]
"""Computes the values of regions from the scores of coalitions."""


def explain_regions(
    score: Score, x: Array, regions: Regions, n_regions: Any, value: Any, estimate: Estimate, separately: bool = False
) -> Array:
    """Return maps (N, *input) of the values of regions, and record the values, their standard errors and the labels.

    Inputs with the same number of regions are evaluated together, otherwise one by one.

    Args:
        score: the score of the inputs.
        x: (N, *input).
        regions, n_regions: how to divide an input into regions; see ``region_labels``.
        value: the content of a hidden region, as for ``Occlusion``.
        estimate: computes the values.
        separately: evaluate each input alone, because the inputs need different numbers of coalitions.

    Raises:
        InputError: if an option is invalid.
    """
    labels, score = region_labels(regions, n_regions, score, x)

    def explain(score: Score, x: Array, labels: Labels) -> Array:
        scores = RegionScores(score, x, labels, value)
        found = estimate(scores)
        errors = np.zeros_like(found.values) if found.errors is None else found.errors
        score.record(region_values=found.values, region_errors=errors, labels=labels)
        of_positions = np.take_along_axis(found.values, labels.reshape(len(labels), -1), axis=1)
        return score.adapter.asarray(of_positions.reshape(scores.map_shape)) * score.adapter.xp.ones_like(x)

    if not separately and len({int(one.max()) for one in labels}) == 1:
        return explain(score, x, labels)
    rows = iter(labels)
    return score.one_by_one(lambda one, x_one: explain(one, x_one, next(rows)[None]), x)
