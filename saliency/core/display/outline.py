"""Outlines of the strongest pixels of a map."""

from typing import Any

import numpy as np
import numpy.typing as npt

SHARE = 0.05
SMOOTHING = 0.02
"""Standard deviation of the smoothing, as a share of the map's shorter side: single pixels have no outline."""

HostArray = npt.NDArray[Any]


def strongest_pixels(strength: HostArray, share: float = SHARE) -> npt.NDArray[np.bool_]:
    """Return which pixels (H, W) are the strongest ones of a smoothed map; none of a constant map.

    Args:
        strength: (H, W).
        share: share of the pixels.
    """
    smooth = _smoothed(strength.astype(float), SMOOTHING * min(strength.shape))
    level = float(np.percentile(smooth, 100 * (1 - share)))
    area = smooth > level
    return np.asarray(area if area.any() else (smooth == smooth.max()) & (smooth > smooth.min()))


def _smoothed(values: HostArray, deviation: float) -> HostArray:
    """Smooth an image with a Gaussian; its edges are repeated."""
    radius = int(np.ceil(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(deviation, 1e-9)) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(values, [(radius, radius) if i == axis else (0, 0) for i in (0, 1)], mode="edge")
        length = values.shape[axis]
        values = sum(weight * np.take(padded, range(i, i + length), axis) for i, weight in enumerate(weights))
    return values
