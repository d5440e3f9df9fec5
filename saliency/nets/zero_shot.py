"""A classifier that compares an image with prompts: CLIP, SigLIP and their relatives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from saliency.core.errors import InputError
from saliency.nets.prompts import Prompts


@dataclass(frozen=True)
class Encoders:
    """How a model encodes texts and images.

    Args:
        encode_texts: from n texts to features (n, features), or an object that holds them as ``pooler_output``.
        encode_image: name of the model's method from a batch of images to their features.
        picture: a preprocessed picture (1, 3, height, width).
    """

    encode_texts: Callable[[list[str]], Any]
    encode_image: str
    picture: Tensor


class ZeroShotClassifier(nn.Module):
    """Classify images by their similarity to the embeddings of classes.

    The logit of a class is the cosine of the image's features and the class's embedding, times the model's scale
    (``logit_scale``), plus its bias if it has one (``logit_bias``).

    Args:
        model: a model with an image encoder.
        encode_image: name of its method that encodes images.
        embeddings: (classes, features), of length 1.

    Source: Radford et al.: Learning Transferable Visual Models From Natural Language Supervision (arXiv:2103.00020).
    """

    def __init__(self, model: nn.Module, encode_image: str, embeddings: Tensor) -> None:
        super().__init__()
        self.class_names: tuple[str, ...] = ()
        self.model, self.encode_image = model, encode_image
        scale: Any = model.logit_scale
        bias: Any = getattr(model, "logit_bias", None)
        classes, features = embeddings.shape
        self.classes = nn.Linear(features, classes, bias=bias is not None)
        with torch.no_grad():
            self.classes.weight.copy_(embeddings * scale.exp())
            if bias is not None:
                self.classes.bias.copy_(bias.expand(len(embeddings)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, 3, height, width)."""
        logits: Tensor = self.classes(_normalized(_features_of(getattr(self.model, self.encode_image)(pixels))))
        return logits


def zero_shot_classifier(name: str, model: Any, prompts: Prompts | None, encoders: Encoders) -> ZeroShotClassifier:
    """Return a classifier of prompts, with their names as ``class_names``.

    Args:
        name: name of the network, for errors.
        model: a model that encodes images and texts.
        prompts: the classes.
        encoders: its encoders.

    Raises:
        InputError: if there are no prompts, or an embedding has another length than the model's features.
    """
    if prompts is None:
        raise InputError(
            f"`net` (={name!r}) is a zero-shot network, which has no classes of its own: pass `prompts` (-prompts), such as "
            '["a photo of a cat", "a photo of a dog"]'
        )
    with torch.no_grad(), torch.random.fork_rng([]):
        length = _features_of(getattr(model, encoders.encode_image)(encoders.picture)).shape[1]
        embeddings = torch.stack([_embedding(each, value, encoders, length) for each, value in prompts.items()])
        classifier = ZeroShotClassifier(model, encoders.encode_image, embeddings).eval()
    classifier.classes.requires_grad_(False)
    classifier.class_names = tuple(prompts)
    return classifier


def _embedding(name: str, value: list[str] | npt.NDArray[np.float32], encoders: Encoders, length: int) -> Tensor:
    """Return the embedding of a class, of length 1: the given one, or the mean of those of its prompts."""
    if isinstance(value, list):
        embedding = _normalized(_features_of(encoders.encode_texts(value))).mean(dim=0)
    else:
        embedding = torch.from_numpy(value)
    if len(embedding) != length:
        raise InputError(f"`prompts[{name!r}]` (length {len(embedding)}) must be as long as the model's features ({length})")
    return _normalized(embedding)


def _features_of(output: Any) -> Tensor:
    """Return features (N, features), which transformers 5 returns as ``pooler_output``."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return features


def _normalized(features: Tensor) -> Tensor:
    unit: Tensor = features / features.norm(dim=-1, keepdim=True)
    return unit
