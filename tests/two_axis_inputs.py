"""An input with two axes, and the map of Occlusion by its definition, for windows over both axes or over one of them."""

import numpy as np

RNG = np.random.default_rng(0)
WEIGHTS, X = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5))
ASSUMED = r"shape \(6, 5\)\) is read as rows and columns.*channel_axis=None"


def expected(window, weights=WEIGHTS, x=X):
    """Return the map of Occlusion with zeros for the score sum(weights * x)."""
    drops = np.zeros_like(x)
    for corner in np.ndindex(*(length - width + 1 for length, width in zip(x.shape, window, strict=True))):
        place = tuple(slice(start, start + width) for start, width in zip(corner, window, strict=True))
        drops[place] += (weights * x)[place].sum()
    return drops
