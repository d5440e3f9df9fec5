"""Load the networks of timm, with their own preprocessing and names of classes."""

import difflib
from pathlib import Path
from typing import Any

import timm
import timm.data
from PIL import Image

from saliency.core.errors import InputError
from saliency.nets.file_rules import FileRules
from saliency.nets.hub_access import load_from_library
from saliency.nets.library_networks import LibraryName
from saliency.nets.network import Network
from saliency.nets.prompts import Prompts, refuse_prompts
from saliency.nets.torch_weights import load_weights
from saliency.nets.torchvision_networks import carry_class_names, make_network


def load(name: LibraryName, weights: str | Path | None, rules: FileRules, prompts: Prompts | None) -> Network:
    """Load a network of timm.

    Args:
        name: timm's name, with or without the tag of its weights; ``hf-hub:owner/name``; or a folder that timm's
            ``save_for_hf`` wrote.
        weights: a weights file with timm's names; None for those of the folder, or timm's cache or download.
        rules: rules for reading files.
        prompts: must be None.

    Raises:
        InputError: if there is no such network, or the weights are missing or do not match.
    """
    refuse_prompts(prompts, name.full)
    if not name.is_folder:
        _check_name(name)
    source = f"local-dir:{name.source}" if name.is_folder else name.source
    model = load_from_library(name, lambda: timm.create_model(source, pretrained=weights is None))
    config = timm.data.resolve_data_config({}, model=model)
    transform = timm.data.create_transform(**config, is_training=False)
    if weights is not None:
        load_weights(model, weights, rules)
    if config["input_size"][0] != 3:
        raise InputError(f"`net` (={name.full!r}) must take RGB images; its input has {config['input_size'][0]} channels")
    if weights is None or name.is_folder:
        carry_class_names(model, class_names(model))
    return make_network(name.full, model, preprocess=transform, has_numbers=True, **_numbers(config))


def class_names(model: Any) -> tuple[str, ...]:
    """Return the names of a network's classes; empty if they are not known.

    They are the labels of its weights, or those of the variant of ImageNet that its number of classes identifies.
    """
    config = getattr(model, "pretrained_cfg", {})
    labels, texts = config.get("label_names"), config.get("label_descriptions") or {}
    if isinstance(labels, dict):
        labels = [labels[key] for key in sorted(labels, key=int)]
    if labels is None and config.get("num_classes") == model.num_classes:
        subset = timm.data.infer_imagenet_subset(model)
        return () if subset is None else tuple(timm.data.ImageNetInfo(subset).label_descriptions())
    named = tuple(str(texts.get(label, label)) for label in labels or ())
    return named if len(named) == model.num_classes else ()


def _numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Return size, mean, std and resample of a configuration of timm's preprocessing."""
    resample = getattr(Image.Resampling, config["interpolation"].upper(), Image.Resampling.BICUBIC)
    return {
        "size": tuple(config["input_size"][1:]),
        "mean": tuple(config["mean"]),
        "std": tuple(config["std"]),
        "resample": resample,
    }


def _check_name(name: LibraryName) -> None:
    """Refuse a name that timm does not have, with the nearest names.

    Raises:
        InputError: if timm has no such architecture, or no such weights.
    """
    architecture, _, tag = name.source.partition(".")
    if ":" in name.source or (timm.is_model(architecture) and not tag):
        return
    if timm.is_model(architecture):
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{architecture}.*")]
        if tag not in tags:
            known = f"must be one of {', '.join(tags)}" if tags else "must be left out: timm has no weights for it"
            raise InputError(f"`net` (={name.full!r}): the weights {tag!r} of {architecture} {known}")
        return
    nearest = difflib.get_close_matches(architecture, timm.list_models(), n=4, cutoff=0.5)
    hint = f"nearest: {', '.join(f'timm/{each}' for each in nearest)}" if nearest else "timm.list_models() lists all names"
    forms = f"must be a network of timm {timm.__version__}, hf-hub:owner/name or a folder"
    raise InputError(f"`net` (={name.full!r}) {forms}; {hint}")
