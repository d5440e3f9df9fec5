"""How far the methods agree on what counts in a picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def agreement(masks: Sequence[npt.NDArray[Any]]) -> float:
    """Return the mean, over all pairs of maps, of Spearman's correlation of their strengths.

    Args:
        masks: (3, H, W) or (H, W) each, with one H and W; a pixel's strength is the sum of its absolute values.

    Returns:
        1 where the maps rank all pixels alike, about 0 for unrelated maps; NaN if there are not two maps that are finite and
        not the same everywhere.
    """
    strengths = [np.abs(mask).reshape(-1, *mask.shape[-2:]).sum(axis=0).ravel() for mask in masks]
    useful = [one for one in strengths if np.isfinite(one).all() and one.min() < one.max()]
    if len(useful) < 2:
        return float("nan")
    ranks = pd.DataFrame(np.stack(useful, axis=1)).rank().to_numpy()  # ties share their mean rank
    correlations = np.corrcoef(ranks, rowvar=False)
    return float(correlations[np.triu_indices(len(useful), k=1)].mean())
