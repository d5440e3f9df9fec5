"""The same noise for every framework, for channels first or last."""

import numpy as np


def normal(adapter, shape, seeds):
    """Draw numbers like an adapter's `normal`, but from NumPy and in channels-last order."""
    first = adapter.channel_axis == 0
    rows = [np.random.default_rng(seed).normal(size=(*shape[1:], shape[0]) if first else shape) for seed in seeds]
    return adapter.asarray(np.stack([np.moveaxis(row, -1, 0) if first else row for row in rows]))
