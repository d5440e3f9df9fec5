"""From a name to a network. A name is looked up, never evaluated."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import saliency.demo
from saliency.core.errors import InputError, ModelError
from saliency.nets.demo_net import INPUT_SIZE, MEAN, STD, DemoNet
from saliency.nets.names import layer_paths
from saliency.nets.network import Network
from saliency.nets.weights import load_weights

EMBEDDED = {"DemoNet": "clean.safetensors", "ShortcutNet": "shortcut.safetensors"}
PRETRAINED_FORM = {"googlenet": {"transform_input": True}, "inception_v3": {"transform_input": True}}
"""What torchvision sets when it loads its own weights of these networks."""


def load(name: str, weights: str | Path | None = None) -> Network:
    """Return a network by name.

    Args:
        name: ``DemoNet``, ``ShortcutNet`` (both embedded), or a torchvision classification network, in torchvision's or
            DNNBrain's spelling (``squeezenet1_0``, ``SqueezeNet1_0``, ``AlexNet``, ``Vgg11``).
        weights: a file for ``load_weights``; the embedded networks have their own.

    Raises:
        InputError: if the name is not known, or the weights are missing or do not fit.
        ModelError: if a torchvision network is asked for and torchvision cannot be imported.
    """
    embedded = {key.lower(): key for key in EMBEDDED}.get(name.lower())
    if embedded is not None:
        model: torch.nn.Module = DemoNet()
        own = Path(saliency.demo.__file__).parent / EMBEDDED[embedded]
        load_weights(model, own if weights is None else weights)
        return Network(embedded, model.eval(), INPUT_SIZE, (MEAN,) * 3, (STD,) * 3, layer_paths(model))
    return _torchvision(name, weights)


def _torchvision(name: str, weights: str | Path | None) -> Network:
    own = {_plain(key): key for key in EMBEDDED}
    for key in difflib.get_close_matches(_plain(name), own, n=1, cutoff=0.8):  # before torchvision, which may be lacking
        raise InputError(f"`net` (={name!r}) must be a network's name; nearest: {own[key]}")
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
    return Network(name, model.eval(), (side, side), tuple(usual.mean), tuple(usual.std), layer_paths(model))


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
