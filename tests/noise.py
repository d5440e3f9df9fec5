"""The same noise for every framework, whatever the axes that it keeps its channels on."""

import numpy as np


def normal(adapter, shape, seeds):
    """Draw as an adapter's `normal` does, but from NumPy, and in the order of channels last."""
    first = adapter.channel_axis == 0
    rows = [np.random.default_rng(seed).normal(size=(*shape[1:], shape[0]) if first else shape) for seed in seeds]
    return adapter.asarray(np.stack([np.moveaxis(row, -1, 0) if first else row for row in rows]))
