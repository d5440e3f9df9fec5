"""Networks in Torch, their scores, and the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cases import TRANSFORMER
from saliency import nets
from saliency.nets.preparation import MEAN, STD

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def squeezenet(weights: Path | None) -> nets.Network:
    """Return torchvision's SqueezeNet 1.0, with random weights unless a file is given."""
    if weights is None:
        return _random("squeezenet1_0", "SqueezeNet1_0", 224)
    from tests.torchvision_ops import declare

    declare()
    return nets.load("SqueezeNet1_0", weights.with_suffix(".safetensors"))


def resnet18(side: int) -> nets.Network:
    """Return a ResNet-18 with random weights for images of ``side`` pixels."""
    return _random("resnet18", "ResNet-18", side)


def vgg16() -> nets.Network:
    """Return a VGG-16 with random weights."""
    return _random("vgg16", "VGG-16", 224)


def vision_transformer() -> nets.Network:
    """Return a ViT-B/32 with random weights, also in its last layer, where torchvision has zeros."""
    network = _random("vit_b_32", "ViT-B/32", 224)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(network.model.heads.head.weight, generator=generator)
    return network


def vit_b_16() -> nets.Network:
    """Return a ViT-B/16 with random weights, also in its head, which torchvision initializes with zeros."""
    network = _random("vit_b_16", TRANSFORMER, 224)
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(0)
        torch.nn.init.normal_(network.model.heads.head.weight, std=0.1)
    return network


def _random(builder: str, name: str, side: int) -> nets.Network:
    from tests.torchvision_ops import declare

    declare()
    from torchvision import models

    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(0)
        model = getattr(models, builder)(weights=None).eval()
    return nets.Network(name, model, (side, side), MEAN, STD)


def scores(model: torch.nn.Module, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Move a model to the device and return its scores for one input, (classes,)."""
    with torch.inference_mode():
        return model.to(DEVICE)(tensor(x[None]))[0].cpu().numpy()


def tensor(x: np.ndarray[Any, Any]) -> torch.Tensor:
    """Return an array as a tensor on the device."""
    return torch.from_numpy(np.ascontiguousarray(x)).to(DEVICE)


def synchronize() -> None:
    """Wait for the device to finish its work."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def versions() -> dict[str, str]:
    """Return name -> version or number of threads, and the name of a GPU."""
    names = {"torch": torch.__version__, "threads": str(torch.get_num_threads())}
    return names | ({"device": torch.cuda.get_device_name()} if DEVICE.type == "cuda" else {})
