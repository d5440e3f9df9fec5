"""Networks in Torch: the embedded ones, and torchvision's."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from saliency.core.errors import InputError, ModelError
from saliency.nets.demo_net import DemoNet
from saliency.nets.embedded import EMBEDDED
from saliency.nets.names import layer_paths as paths
from saliency.nets.network import Network
from saliency.nets.weights import load_weights

__all__ = ["CHANNEL_AXIS", "demo_net", "other", "paths", "untrained"]

CHANNEL_AXIS = 0

PRETRAINED_FORM = {"googlenet": {"transform_input": True}, "inception_v3": {"transform_input": True}}
"""What torchvision sets when it loads its own weights of these networks."""


def demo_net(weights: str | Path) -> DemoNet:
    """Return DemoNet with the weights of a file."""
    model = DemoNet()
    load_weights(model, weights)
    return model.eval()


def untrained(seed: int) -> DemoNet:
    """Return DemoNet with Torch's random weights."""
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        return DemoNet()


def other(name: str, weights: str | Path | None) -> Network:
    """Return one of torchvision's networks; see ``registry.load``."""
    models = _import_models()
    builders = {_plain(key): key for key in models.list_models(module=models)}
    if _plain(name) not in builders:
        near = [builders[key] for key in difflib.get_close_matches(_plain(name), builders, n=3, cutoff=0.4)]
        raise InputError(f"`net` (={name!r}) must be a network's name; nearest: {', '.join(near or EMBEDDED)}")
    if weights is None:
        raise InputError(f"`net` (={name!r}) needs `weights`, a safetensors file or plain state dict of torchvision's {name}")
    key = builders[_plain(name)]
    build: Callable[..., torch.nn.Module] = models.get_model_builder(key)
    form: dict[str, Any] = PRETRAINED_FORM.get(key, {})
    model = build(weights=None, **form, **({"init_weights": False} if form else {}))
    load_weights(model, weights)
    usual = models.get_model_weights(key).DEFAULT.transforms()
    side = int(getattr(model, "image_size", usual.crop_size[0]))  # a ViT takes one size; others were trained at this one
    return Network(name, model.eval(), (side, side), tuple(usual.mean), tuple(usual.std), paths(model))


def _import_models() -> Any:
    try:
        import torchvision.models
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"`net` needs torchvision in the release that belongs to your Torch ({torch.__version__}), installed from the "
            f"same place: pip install 'saliency-masks[torchvision]'. Importing it says: {str(error).splitlines()[0]}"
        ) from error
    return torchvision.models


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
