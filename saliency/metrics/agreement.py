"""Agreement: whether two methods give the same maps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.metrics.map_reading import Maps
from saliency.metrics.result import MetricResult
from saliency.metrics.similarity import rank_correlation, structural_similarity

Measure = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float]

MEASURES: dict[str, Measure] = {"rank": rank_correlation, "ssim": structural_similarity}


def agreement(masks: Any, others: Any, *, measure: str = "rank") -> MetricResult:
    """Compute the similarity of the maps of two methods.

    The range is -1 to 1; 1 for equal maps. Agreement does not show that either method is right. The value is NaN if a map is
    constant (``"rank"``) or zero everywhere (``"ssim"``).

    Args:
        masks, others: N maps each, of the same shape; maps (N, H, W) for ``"ssim"``.
        measure: ``"rank"``, Spearman's rank correlation over positions, or ``"ssim"``, the structural similarity of the maps,
            each divided by its maximum magnitude.

    Source:
        Adebayo et al., Sanity Checks for Saliency Maps, arXiv:1810.03292, for both measures.
    """
    compute = checked_measure(measure)
    first = Maps.of(masks)
    second, values = Maps.of(others, len(first), "masks", "others"), []
    for i in range(len(first)):
        one, other = first.one(i), second.one(i)
        if one.shape != other.shape:
            raise InputError(f"`others[{i}]` (shape {other.shape}) must have the shape of `masks[{i}]` {one.shape}")
        values.append(compute(one, other))
    return MetricResult(f"agreement ({measure})", np.array(values), None)


def checked_measure(measure: str) -> Measure:
    """Return the function of a measure of similarity.

    Raises:
        InputError: if there is no such measure.
    """
    if measure not in MEASURES:
        raise InputError(f"`measure` (={shown(measure)}) must be one of {', '.join(map(repr, MEASURES))}")
    return MEASURES[measure]
