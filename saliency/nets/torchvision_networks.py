"""Load torchvision's networks and DNNBrain's, which are torchvision's with other weights and preprocessing."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from saliency.core.errors import ModelError
from saliency.nets.catalog import DNNBRAIN, TORCHVISION_SEGMENTATION, TORCHVISION_VIDEO
from saliency.nets.file_rules import FileRules
from saliency.nets.find_weights import WeightsSource, find_weights
from saliency.nets.layer_names import channel_counts, dnnbrain_layers, layer_paths
from saliency.nets.network import Network
from saliency.nets.preparation import MEAN, STD
from saliency.nets.torch_weights import load_weights
from saliency.nets.torchvision_tasks import segmentation_preparation, video_preparation
from saliency.nets.vgg_face import MEAN as FACE_MEAN
from saliency.nets.vgg_face import VggFace

BUILDER_OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": {"transform_input": True, "init_weights": False, "aux_logits": False},
    "inception_v3": {"transform_input": True, "init_weights": False, "aux_logits": False},
}
"""Options with which torchvision builds these networks for its pretrained weights, without the auxiliary training heads."""

NETWORKS_WITH_HEADS = (*BUILDER_OPTIONS, *TORCHVISION_SEGMENTATION)

TRAINING_HEADS = ("aux1.", "aux2.", "AuxLogits.", "aux_classifier.")
"""Name prefixes of the weights of the training heads, which a file may contain."""

Preparation = dict[str, Any]


def load(name: str, weights: str | Path | None, rules: FileRules) -> Network:
    """Load a network of torchvision or DNNBrain; see ``registry.load``."""
    dnnbrain = DNNBRAIN.get(name)
    builder = dnnbrain.builder if dnnbrain else name
    preparation = dnnbrain_preparation(name) if dnnbrain else torchvision_preparation(builder)
    file = find_weights(name, weights_source(name)) if weights is None else Path(weights)
    model = build_model(builder, preparation["size"][0])
    load_weights(model, file, rules, ignored=TRAINING_HEADS if builder in NETWORKS_WITH_HEADS else ())
    if weights is None and builder:
        carry_class_names(model, _import_models().get_model_weights(builder).DEFAULT.meta["categories"])
    return make_network(name, model, **preparation)


def carry_class_names(model: Any, names: Iterable[str]) -> None:
    """Set a model's attribute ``class_names``, which masks read."""
    model.class_names = tuple(names)


def unfilled(name: str) -> Network:
    """Build one of DNNBrain's networks with random weights."""
    return make_network(name, build_model(DNNBRAIN[name].builder, DNNBRAIN[name].side), **dnnbrain_preparation(name))


def make_network(name: str, model: torch.nn.Module, **preparation: Any) -> Network:
    """Describe a model as a network, with its layer names and the given preprocessing."""
    paths = layer_paths(model)
    named = tuple(dnnbrain_layers(model))
    return Network(name, model.eval(), paths=paths, channels=channel_counts(model, paths), named=named, **preparation)


def build_model(builder: str, side: int) -> torch.nn.Module:
    """Build a model without pretrained weights; the state of Torch's random generator is restored.

    Args:
        builder: its name in torchvision; empty for VggFace.
        side: side length of its input in pixels, which a vision transformer needs.
    """
    options = {"image_size": side} if builder.startswith("vit_") else BUILDER_OPTIONS.get(builder, {})
    if builder in TORCHVISION_SEGMENTATION:
        options = {"weights_backbone": None}
    make: Callable[..., torch.nn.Module] = VggFace
    if builder:
        make = partial(_import_models().get_model_builder(builder), weights=None)
    with torch.random.fork_rng([]):
        return make(**options)


def torchvision_preparation(builder: str) -> Preparation:
    """Return the preprocessing of torchvision's default weights: numbers for a classifier, its own transforms for others."""
    transforms = _import_models().get_model_weights(builder).DEFAULT.transforms()
    if builder in TORCHVISION_SEGMENTATION:
        return segmentation_preparation(transforms)
    if builder in TORCHVISION_VIDEO:
        return video_preparation(builder, transforms)
    (side,), (shorter,) = transforms.crop_size, transforms.resize_size
    resample = Image.Resampling[transforms.interpolation.name]
    return {
        "size": (side, side),
        "mean": tuple(transforms.mean),
        "std": tuple(transforms.std),
        "resize": shorter,
        "resample": resample,
    }


def dnnbrain_preparation(name: str) -> Preparation:
    """Return size, mean and std of DNNBrain's ``test_transform``, which resizes the whole picture."""
    side = DNNBRAIN[name].side
    if name == "VggFace":
        return {"size": (side, side), "mean": tuple(mean / 255 for mean in FACE_MEAN), "std": (1 / 255,) * 3}
    return {"size": (side, side), "mean": MEAN, "std": STD}


def weights_source(name: str) -> WeightsSource:
    """Return where to look for the weights of a network."""
    dnnbrain = DNNBRAIN.get(name)
    if dnnbrain and not dnnbrain.builder:
        return WeightsSource(dnnbrain.weights_file, None)
    versions = _import_models().get_model_weights(dnnbrain.builder if dnnbrain else name)
    if dnnbrain:
        return WeightsSource(dnnbrain.weights_file, versions.IMAGENET1K_V1.url)
    dnnbrain_files = {each.builder: each.weights_file for each in DNNBRAIN.values()}
    return WeightsSource(dnnbrain_files.get(name), versions.DEFAULT.url)


def _import_models() -> Any:
    try:
        import torchvision.models
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            f"`net` needs the torchvision release for your Torch ({torch.__version__}), installed from the same "
            f"index: pip install 'saliency-masks[torchvision]'. Importing it fails: {str(error).splitlines()[0]}"
        ) from error
    return torchvision.models
