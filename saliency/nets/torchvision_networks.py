"""torchvision's networks, and DNNBrain's, which are torchvision's with its own habits."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from saliency.core.errors import ModelError
from saliency.nets.catalogue import DNNBRAIN
from saliency.nets.find_weights import Source, find_weights
from saliency.nets.layer_names import channel_counts, dnnbrain_layers, layer_paths
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD
from saliency.nets.vgg_face import MEAN as FACES
from saliency.nets.vgg_face import VggFace
from saliency.nets.weights import load_weights

FORM: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False, "aux_logits": False},
    "inception_v3": {"transform_input": True, "init_weights": False, "aux_logits": False},
}
"""How torchvision builds these networks for its own weights; the heads for training alone are left out."""

HEADS = ("aux1.", "aux2.", "AuxLogits.")
"""Weights of those heads, which a file may have."""

Preparation = dict[str, Any]


def load(name: str, weights: str | Path | None, trust: bool) -> Network:
    """Return one of the networks; see ``registry.load``."""
    ours = DNNBRAIN.get(name)
    builder = ours.builder if ours else name
    habits = dnnbrain_habits(name) if ours else torchvision_habits(builder)
    file = find_weights(name, source(name)) if weights is None else Path(weights)
    model = build(builder, habits["size"][0])
    load_weights(model, file, trust, ignored=HEADS if builder in FORM else ())
    return described(name, model, **habits)


def unfilled(name: str) -> Network:
    """Return one of DNNBrain's networks with random weights."""
    return described(name, build(DNNBRAIN[name].builder, DNNBRAIN[name].side), **dnnbrain_habits(name))


def described(name: str, model: torch.nn.Module, **habits: Any) -> Network:
    """Return a network whose layers are named."""
    paths = layer_paths(model)
    named = tuple(dnnbrain_layers(model))
    return Network(name, model.eval(), paths=paths, channels=channel_counts(model, paths), named=named, **habits)


def build(builder: str, side: int) -> torch.nn.Module:
    """Build a network with weights that are yet to be loaded; no global generator is moved.

    Args:
        builder: torchvision's name of it; empty for VggFace.
        side: of its input, in pixels, which a ViT has to know.
    """
    form = {"image_size": side} if builder.startswith("vit_") else FORM.get(builder, {})
    make: Callable[..., torch.nn.Module] = partial(_models().get_model_builder(builder), weights=None) if builder else VggFace
    with torch.random.fork_rng([]):
        return make(**form)


def torchvision_habits(builder: str) -> Preparation:
    """Return size, mean, std, resize and resample, as the transforms of torchvision's own weights have them."""
    usual = _models().get_model_weights(builder).DEFAULT.transforms()
    (side,), (shorter,) = usual.crop_size, usual.resize_size
    resample = Image.Resampling[usual.interpolation.name]
    return {"size": (side, side), "mean": tuple(usual.mean), "std": tuple(usual.std), "resize": shorter, "resample": resample}


def dnnbrain_habits(name: str) -> Preparation:
    """Return size, mean and std, as in DNNBrain's ``test_transform``, which squashes the whole picture."""
    side = DNNBRAIN[name].side
    if name == "VggFace":
        return {"size": (side, side), "mean": tuple(mean / 255 for mean in FACES), "std": (1 / 255,) * 3}
    return {"size": (side, side), "mean": MEAN, "std": STD}


def source(name: str) -> Source:
    """Return where the weights of a network may be."""
    by_builder = {each.builder: each.file for each in DNNBRAIN.values()}
    ours = DNNBRAIN.get(name)
    if ours and not ours.builder:
        return Source(ours.file, None)
    versions = _models().get_model_weights(ours.builder if ours else name)
    return Source(ours.file if ours else by_builder.get(name), (versions.IMAGENET1K_V1 if ours else versions.DEFAULT).url)


def _models() -> Any:
    try:
        import torchvision.models
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"`net` needs torchvision in the release that belongs to your Torch ({torch.__version__}), installed from the "
            f"same place: pip install 'saliency-masks[torchvision]'. Importing it says: {str(error).splitlines()[0]}"
        ) from error
    return torchvision.models
