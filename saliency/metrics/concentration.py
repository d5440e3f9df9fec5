"""Concentration of maps: sparseness and complexity."""

from typing import Any

import numpy as np

from saliency.metrics.map_reading import Maps
from saliency.metrics.result import MetricResult


def sparseness(masks: Any) -> MetricResult:
    """Compute the Gini index of the magnitudes of each map.

    For the sorted magnitudes v_1 <= ... <= v_P the value is sum((2 k - P - 1) v_k) / (P sum(v_k)): 0 if all are equal, and
    1 - 1 / P if a single one is not zero. A higher value means a sparser map, not a more correct one. A map of zeros has NaN.

    Args:
        masks: N maps of any shape from any library.

    Source:
        Chalasani et al., Concise Explanations of Neural Networks using Adversarial Training, arXiv:1810.06583.
    """
    maps, values = Maps.of(masks), []
    for i in range(len(maps)):
        magnitudes = np.sort(np.abs(maps.one(i)), axis=None)
        count, total = len(magnitudes), magnitudes.sum()
        weights = 2 * np.arange(1, count + 1) - count - 1
        values.append(weights @ magnitudes / (count * total) if total else np.nan)
    return MetricResult("sparseness", np.array(values), None)


def complexity(masks: Any) -> MetricResult:
    """Compute the entropy of the magnitudes of each map, in nats.

    For the shares p_k of the positions in the sum of magnitudes, the value is -sum(p_k log p_k): 0 if a single position is not
    zero, and log(P) if all P are equal. A lower value means a simpler map, not a more correct one. A map of zeros has NaN.

    Args:
        masks: N maps of any shape from any library.

    Source:
        Bhatt, Weller & Moura, Evaluating and Aggregating Feature-based Model Explanations, arXiv:2005.00631.
    """
    maps, values = Maps.of(masks), []
    for i in range(len(maps)):
        magnitudes = np.abs(maps.one(i)).ravel()
        total = magnitudes.sum()
        shares = magnitudes[magnitudes > 0] / total if total else np.array([np.nan])
        values.append(-np.sum(shares * np.log(shares)))
    return MetricResult("complexity", np.array(values), None)
