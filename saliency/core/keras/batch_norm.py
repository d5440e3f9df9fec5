"""Read the statistics of a Keras model's first batch normalization."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.expected_input import NormalizedLayer

STATISTICS = ("moving_mean", "moving_variance")


def first_batch_norm(layers: Mapping[str, Any]) -> NormalizedLayer | None:
    """Return the first batch normalization with the statistics of its training; None if there is none.

    Args:
        layers: the model's layers by path.
    """
    for path, layer in layers.items():
        values = [getattr(layer, name, None) for name in STATISTICS]
        if type(layer).__name__ == "BatchNormalization" and all(value is not None for value in values):
            mean, variance = map(_on_host, values)
            scale, shift = (_on_host(getattr(layer, name, None), other) for name, other in (("gamma", 1.0), ("beta", 0.0)))
            found = NormalizedLayer.of(path, mean, variance, scale, shift)
            if found is not None:
                return found
    return None


def _on_host(variable: Any, missing: float = 0.0) -> npt.NDArray[Any]:
    """Return a variable of any backend as a NumPy array; a missing one is a constant."""
    value = getattr(variable, "value", variable)
    value = value() if callable(value) else value
    value = value.detach().cpu() if hasattr(value, "detach") else value
    return np.asarray(missing if value is None else value)
