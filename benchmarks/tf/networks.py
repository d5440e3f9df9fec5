"""Networks in Keras, and their scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from saliency import nets


def squeezenet(file: Path) -> nets.Network:
    """Return a SqueezeNet 1.0 that takes what torchvision's takes, channels last."""
    model = keras.models.load_model(file)
    return nets.Network(
        "SqueezeNet1_0", model, model.input_shape[1:3], (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), channel_axis=-1
    )


def scores(model: keras.Model, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the scores of one input, (classes,)."""
    return np.asarray(model(x[None], training=False))[0]
