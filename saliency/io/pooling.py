"""Reduce each channel of an activation to one number."""

from collections.abc import Callable, Mapping

import numpy as np

from saliency.io.layer import Array

SPATIAL_AXES = (2, 3)

POOLS: Mapping[str, Callable[[Array], Array]] = {
    "max": lambda maps: maps.max(axis=SPATIAL_AXES, keepdims=True),
    "mean": lambda maps: maps.mean(axis=SPATIAL_AXES, keepdims=True),
    "median": lambda maps: np.median(maps, axis=SPATIAL_AXES, keepdims=True),
    "L1": lambda maps: np.abs(maps).sum(axis=SPATIAL_AXES, keepdims=True),
    "L2": lambda maps: np.sqrt(np.square(maps).sum(axis=SPATIAL_AXES, keepdims=True)),
}
"""Name -> function from maps (n, channels, rows, columns) to (n, channels, 1, 1); L1 and L2 are norms over a channel."""
