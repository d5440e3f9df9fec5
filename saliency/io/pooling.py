"""One number for each channel of an activation map."""

from collections.abc import Callable, Mapping

import numpy as np

from saliency.io.layer import Array

SPACE = (2, 3)

POOLS: Mapping[str, Callable[[Array], Array]] = {
    "max": lambda maps: maps.max(axis=SPACE, keepdims=True),
    "mean": lambda maps: maps.mean(axis=SPACE, keepdims=True),
    "median": lambda maps: np.median(maps, axis=SPACE, keepdims=True),
    "L1": lambda maps: np.abs(maps).sum(axis=SPACE, keepdims=True),
    "L2": lambda maps: np.sqrt(np.square(maps).sum(axis=SPACE, keepdims=True)),
}
"""Name -> from maps (n, channels, rows, columns) to (n, channels, 1, 1); a norm is that of all of a channel's values."""
