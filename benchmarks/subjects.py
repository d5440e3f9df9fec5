"""What the benchmarks are run on: a network, a picture and the classes that it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import saliency.demo
from saliency import nets

PICTURE = Path(saliency.demo.__file__).parent / "scenes" / "scene_17.png"


@dataclass(frozen=True)
class Subject:
    """A network and its input.

    Args:
        name: of the network.
        model: in eval mode.
        x: one input, (3, H, W).
        classes: the eight with the highest scores for this input, best first.
        window, stride: of occlusion, in pixels.
        together: numbers of inputs that are explained at once.
    """

    name: str
    model: torch.nn.Module
    x: np.ndarray[Any, Any]
    classes: list[int]
    window: int
    stride: int
    together: tuple[int, ...]


def subjects(squeezenet: Path | None) -> Iterator[Subject]:
    """Yield the embedded network, and SqueezeNet where its weights are given."""
    yield _subject(nets.load("DemoNet"), window=15, stride=8, together=(14,))
    if squeezenet is not None:
        from tests.torchvision_ops import declare

        declare()
        yield _subject(nets.load("SqueezeNet1_0", squeezenet), window=32, stride=32, together=(1, 8))


def _subject(network: nets.Network, window: int, stride: int, together: tuple[int, ...]) -> Subject:
    x = network.prepare(Image.open(PICTURE))
    with torch.inference_mode():
        classes = network.model(torch.from_numpy(x)[None])[0].topk(8).indices.tolist()
    return Subject(network.name, network.model, x, classes, window, stride, together)
