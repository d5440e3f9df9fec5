"""Read the statistics of a module's first batch normalization."""

from typing import Any

import torch

from saliency.core.expected_input import NormalizedLayer
from saliency.core.keras import batch_norm as keras_batch_norm
from saliency.core.keras.layers import is_keras, layers_of
from saliency.torch.module_tree import named_modules


def first_batch_norm(adapter: Any) -> NormalizedLayer | None:
    """Return the first batch normalization of an adapter's module with the statistics of its training, frozen or not."""
    model = adapter.model
    if is_keras(model):
        return keras_batch_norm.first_batch_norm(layers_of(model))
    for name, module in named_modules(model).items():
        mean, variance = (_buffer(module, each) for each in ("running_mean", "running_var"))
        if name and "BatchNorm" in type(module).__name__ and mean is not None and variance is not None:
            scale, shift = _buffer(module, "weight"), _buffer(module, "bias")
            found = NormalizedLayer.of(name, mean, variance, 1.0 if scale is None else scale, 0.0 if shift is None else shift)
            if found is not None:
                return found
    return None


def _buffer(module: torch.nn.Module, name: str) -> Any:
    value = getattr(module, name, None)
    return value.detach().float().cpu().numpy() if isinstance(value, torch.Tensor) else None
