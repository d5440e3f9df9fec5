"""Load networks of transformers from a folder or the Hugging Face hub, with their own image processor."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from saliency.core.errors import InputError
from saliency.nets.file_rules import FileRules
from saliency.nets.hub_access import load_from_library
from saliency.nets.library_networks import LibraryName
from saliency.nets.network import Network
from saliency.nets.preparation import Float32
from saliency.nets.prompts import Prompts, refuse_prompts
from saliency.nets.torch_weights import read_weights
from saliency.nets.torchvision_networks import make_network
from saliency.nets.zero_shot import Encoders, zero_shot_classifier

RESCALE_FACTOR = 1 / 255


def load(name: LibraryName, weights: str | Path | None, rules: FileRules, prompts: Prompts | None) -> Network:
    """Load a network of transformers. Code of a repository is never run.

    Args:
        name: a folder that ``save_pretrained`` wrote, or a repository of the hub, such as ``google/vit-base-patch16-224``.
        weights: a weights file with the names of the network's class; None for those of the folder or repository.
        rules: rules for reading files.
        prompts: the classes of a zero-shot network, such as CLIP; None for any other network.

    Raises:
        InputError: if the folder or repository has no configuration, weights or image processor, or the network is not one
            of images.
    """

    def read() -> tuple[Any, Any]:
        config = transformers.AutoConfig.from_pretrained(name.source, trust_remote_code=False)
        kind = _model_class(name, config)
        processor = transformers.AutoImageProcessor.from_pretrained(name.source, trust_remote_code=False)
        return _with_weights(name, kind, config, None if weights is None else Path(weights), rules), processor

    model, processor = load_from_library(name, read)
    model = model.float().eval()
    if hasattr(model, "get_text_features"):
        encoders = _encoders(model, name.source, processor)
        model = load_from_library(name, lambda: zero_shot_classifier(name.full, model, prompts, encoders))
    else:
        refuse_prompts(prompts, name.full)
    return make_network(name.full, model, **preparation(processor))


def preparation(processor: Any) -> dict[str, Any]:
    """Return the preprocessing of an image processor: itself, and its numbers unless it resizes the whole picture."""
    preprocess = partial(process_picture, processor=processor)
    size = preprocess(Image.new("RGB", (256, 256))).shape[1:]
    numbers: dict[str, Any] = {"size": size, "preprocess": preprocess}
    squeezes = "height" in (getattr(processor, "size", None) or {}) and not getattr(processor, "do_center_crop", False)
    rescales = getattr(processor, "do_rescale", False) and np.isclose(processor.rescale_factor, RESCALE_FACTOR)
    if squeezes or not rescales:  # the whole picture already, or other numbers
        return numbers
    if getattr(processor, "do_normalize", False):
        numbers.update(mean=tuple(processor.image_mean), std=tuple(processor.image_std))
    return {**numbers, "has_numbers": True, "resample": Image.Resampling(processor.resample)}


def process_picture(picture: Image.Image, processor: Any) -> Float32:
    """Return the pixel values (3, height, width) that an image processor computes from an RGB picture."""
    return np.asarray(processor(images=picture, return_tensors="pt")["pixel_values"][0], np.float32)


def _encoders(model: Any, source: str, processor: Any) -> Encoders:
    """Return the encoders of CLIP, SigLIP or another model with two towers; SigLIP was trained with padded texts."""
    padding = "max_length" if model.config.model_type.startswith("siglip") else True

    def encode_texts(texts: list[str]) -> Any:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        return model.get_text_features(**tokenizer(texts, padding=padding, truncation=True, return_tensors="pt"))

    pixels = torch.from_numpy(process_picture(Image.new("RGB", (256, 256)), processor))[None]
    return Encoders(encode_texts, "get_image_features", pixels)


def _model_class(name: LibraryName, config: Any) -> Any:
    """Return the class that the weights were saved from.

    Raises:
        InputError: if it is not a class of transformers whose input is an image.
    """
    (architecture, *_) = getattr(config, "architectures", None) or [""]
    kind: Any = getattr(transformers, architecture, None) if architecture else None
    if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
        raise InputError(
            f"`net` (={name.full!r}) must name a class of transformers {transformers.__version__} as `architectures` in its "
            f"configuration; it is {architecture!r}"
        )
    takes_images = getattr(kind, "main_input_name", "") == "pixel_values" or hasattr(kind, "get_image_features")
    if not takes_images or "Video" in architecture:
        raise InputError(f"`net` (={name.full!r}) must be a network of images; {architecture} is not")
    return kind


def _with_weights(name: LibraryName, kind: Any, config: Any, weights: Path | None, rules: FileRules) -> Any:
    """Return a model with the weights of a file, or of the folder or repository; transformers translates older names.

    Raises:
        InputError: if weights are missing, which transformers would replace by random ones.
    """
    options: dict[str, Any] = {} if weights is None else {"config": config, "state_dict": dict(read_weights(weights, rules))}
    source = name.source if weights is None else None
    model, report = kind.from_pretrained(source, trust_remote_code=False, output_loading_info=True, **options)
    lacking = (*report["missing_keys"], *report["mismatched_keys"])
    problems = [one if isinstance(one, str) else str(one[0]) for one in lacking]
    if problems:
        subject = f"`net` (={name.full!r})" if weights is None else f"`weights` ({weights})"
        listed = ", ".join(sorted(problems)[:5])
        raise InputError(f"{subject} lacks {len(problems)} of the weights of {kind.__name__}, such as {listed}")
    return model
