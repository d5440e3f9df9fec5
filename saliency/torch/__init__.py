"""The adapter for Torch: ``saliency.wrap`` uses it for modules and exported programs."""

import sys
from typing import Any

import torch

from saliency.torch.adapter import TorchAdapter

__all__ = ["TorchAdapter", "adapt"]


def adapt(model: Any, **options: Any) -> TorchAdapter | None:
    """Return the adapter for a Torch model, or None for any other object."""
    if "torch.export" in sys.modules and isinstance(model, torch.export.ExportedProgram):
        model = model.module()
    return TorchAdapter(model, **options) if isinstance(model, torch.nn.Module) else None
