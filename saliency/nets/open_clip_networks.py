"""Load the networks of open_clip as zero-shot classifiers."""

import difflib
from pathlib import Path
from typing import Any

import open_clip
from PIL import Image

from saliency.core.errors import InputError
from saliency.nets.file_rules import FileRules
from saliency.nets.hub_access import load_from_library
from saliency.nets.library_networks import LibraryName
from saliency.nets.network import Network
from saliency.nets.prompts import Prompts
from saliency.nets.torch_weights import load_weights
from saliency.nets.torchvision_networks import make_network
from saliency.nets.zero_shot import Encoders, zero_shot_classifier


def load(name: LibraryName, weights: str | Path | None, rules: FileRules, prompts: Prompts | None) -> Network:
    """Load a network of open_clip as a classifier of the given prompts.

    Args:
        name: open_clip's name and the tag of its weights, ``ViT-B-32/laion2b_s34b_b79k``; ``hf-hub:owner/name``; or a folder
            with ``open_clip_config.json``. With ``weights``, the tag is left out.
        weights: a weights file with open_clip's names; None for those of the tag or folder.
        rules: rules for reading files.
        prompts: the classes.

    Raises:
        InputError: if there is no such network or tag, the weights are missing or do not match, or there are no prompts.
    """
    architecture, tag = _source(name, weights)
    options: dict[str, Any] = {"pretrained": tag, "require_pretrained": True}
    if weights is not None:
        options = {"pretrained": None, "load_weights": False, "pretrained_text": False}
    model, _, transform = load_from_library(name, lambda: open_clip.create_model_and_transforms(architecture, **options))
    if weights is not None:
        load_weights(model, weights, rules)
    config = open_clip.get_model_preprocess_cfg(model)
    encoders = _encoders(model.float().eval(), architecture, transform)
    classifier = load_from_library(name, lambda: zero_shot_classifier(name.full, model, prompts, encoders))
    return make_network(name.full, classifier, preprocess=transform, has_numbers=True, **_numbers(config))


def _source(name: LibraryName, weights: str | Path | None) -> tuple[str, str | None]:
    """Return open_clip's name of a network and the tag of its weights.

    Raises:
        InputError: if open_clip has no such name or tag, or the tag is missing.
    """
    if name.is_folder or ":" in name.source:
        return (f"local-dir:{name.source}" if name.is_folder else name.source), None
    architecture, _, tag = name.source.partition("/")
    if architecture not in open_clip.list_models():
        nearest = difflib.get_close_matches(architecture, open_clip.list_models(), n=4, cutoff=0.4)
        hint = f"; nearest: {', '.join(f'open_clip/{each}' for each in nearest)}" if nearest else ""
        raise InputError(f"`net` (={name.full!r}) must be a network of open_clip, hf-hub:owner/name or a folder{hint}")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights is None and tag not in tags:
        choices = f"open_clip/{architecture}/TAG with one of the tags {', '.join(tags)}, or `weights`" if tags else "`weights`"
        raise InputError(f"`net` (={name.full!r}) needs the tag of its weights: pass {choices}")
    if weights is not None and tag:
        raise InputError(f"`net` (={name.full!r}) names the weights {tag!r}: leave them out, or pass no `weights`")
    return architecture, tag or None


def _encoders(model: Any, architecture: str, transform: Any) -> Encoders:
    def encode_texts(texts: list[str]) -> Any:
        return model.encode_text(open_clip.get_tokenizer(architecture)(texts))

    return Encoders(encode_texts, "encode_image", transform(Image.new("RGB", (256, 256)))[None])


def _numbers(config: dict[str, Any]) -> dict[str, Any]:
    """Return size, mean, std and resample of a configuration of open_clip's preprocessing."""
    size = config["size"]
    resample = Image.Resampling.BILINEAR if config["interpolation"] == "bilinear" else Image.Resampling.BICUBIC
    return {
        "size": (size, size) if isinstance(size, int) else tuple(size),
        "mean": tuple(config["mean"]),
        "std": tuple(config["std"]),
        "resample": resample,
    }
