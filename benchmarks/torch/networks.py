"""Networks in Torch, and their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from saliency import nets


def squeezenet(weights: Path) -> nets.Network:
    """Return torchvision's SqueezeNet 1.0."""
    from tests.torchvision_ops import declare

    declare()
    return nets.load("SqueezeNet1_0", weights)


def scores(model: torch.nn.Module, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the scores of one input, (classes,)."""
    with torch.inference_mode():
        return model(torch.from_numpy(x)[None])[0].numpy()
