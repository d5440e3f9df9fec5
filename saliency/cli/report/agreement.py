"""Measure how far the maps of several methods agree."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def agreement(masks: Sequence[npt.NDArray[Any]]) -> float:
    """Return Spearman's rank correlation of the strengths of two maps, averaged over all pairs of maps.

    Args:
        masks: (3, H, W) or (H, W) each, with the same H and W. The strength of a pixel is the sum of its absolute values.

    Returns:
        1 if the maps rank all pixels alike, about 0 for unrelated maps. Maps that are constant or not finite are left out; NaN
        if fewer than two remain.
    """
    strengths = [np.abs(mask).reshape(-1, *mask.shape[-2:]).sum(axis=0).ravel() for mask in masks]
    usable = [one for one in strengths if np.isfinite(one).all() and one.min() < one.max()]
    if len(usable) < 2:
        return float("nan")
    ranks = pd.DataFrame(np.stack(usable, axis=1)).rank().to_numpy()  # ties share their mean rank
    correlations = np.corrcoef(ranks, rowvar=False)
    return float(correlations[np.triu_indices(len(usable), k=1)].mean())
