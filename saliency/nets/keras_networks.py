"""Networks in Keras, on TensorFlow: the embedded ones."""

from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from saliency.core.errors import InputError
from saliency.nets.demo_net_keras import build
from saliency.nets.embedded import EMBEDDED
from saliency.nets.weights_keras import load_weights

CHANNEL_AXIS = -1


def demo_net(weights: str | Path) -> Any:
    """Return DemoNet with the weights of a file."""
    model = build()
    load_weights(model, weights)
    return model


def untrained(seed: int) -> Any:
    """Return DemoNet with random weights from the distributions that Torch draws its own from."""
    model, random = build(), np.random.default_rng(seed)
    for layer in model.layers:
        for weight in (getattr(layer, name, None) for name in ("kernel", "bias")):
            if weight is not None:
                bound = float(np.prod(layer.kernel.shape[:-1])) ** -0.5  # by the number of a unit's inputs
                weight.assign(random.uniform(-bound, bound, weight.shape))
    return model


def paths(model: Any) -> dict[str, str]:
    """Return name -> path for every layer."""
    return {layer.name: layer.name for layer in model.layers}


def other(name: str, weights: str | Path | None) -> NoReturn:  # noqa: ARG001 - as for Torch, which has others
    """Refuse a network that is not embedded."""
    raise InputError(f"`net` (={name!r}) must be one of {', '.join(EMBEDDED)} in `framework` (='tf')")
