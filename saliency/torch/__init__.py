"""Torch: ``saliency.wrap`` comes here for modules and exported programs."""

import sys
from typing import Any

import torch

from saliency.core.errors import ModelError
from saliency.torch.adapter import TorchAdapter

__all__ = ["TorchAdapter", "adapt"]


def adapt(model: Any, **options: Any) -> TorchAdapter | None:
    """Return the adapter of a Torch model; None for anything else.

    Raises:
        ModelError: for a Keras model, which its Torch backend dresses up as a module.
    """
    if any(kind.__module__.partition(".")[0] == "keras" for kind in type(model).__mro__):
        raise ModelError("`model` is a Keras model on its Torch backend, which is not served: its ReLUs would be missed")
    if "torch.export" in sys.modules and isinstance(model, torch.export.ExportedProgram):
        model = model.module()
    return TorchAdapter(model, **options) if isinstance(model, torch.nn.Module) else None
