"""What the benchmarks are run on: a network, a picture and the classes that it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import saliency.demo
from saliency import nets

PICTURE = Path(saliency.demo.__file__).parent / "scenes" / "scene_17.png"


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and its input.

    Args:
        name: of the network.
        model: in eval mode.
        x: one input, (3, H, W) or, in Keras, (H, W, 3).
        classes: the eight with the highest scores for this input, best first.
        window, stride: of occlusion, in pixels.
        together: numbers of inputs that are explained at once.
    """

    name: str
    model: Any
    x: np.ndarray[Any, Any]
    classes: list[int]
    window: int
    stride: int
    together: tuple[int, ...]


def subjects(framework: str, squeezenet: Path | None) -> Iterator[Subject]:
    """Yield the embedded network, and SqueezeNet where its file is given."""
    home = import_module(f"benchmarks.{framework}.networks")
    yield _subject(home, nets.load("DemoNet", framework=framework), window=15, stride=8, together=(14,))
    if squeezenet is not None:
        yield _subject(home, home.squeezenet(squeezenet), window=32, stride=32, together=(1, 8))


def _subject(home: Any, network: nets.Network, window: int, stride: int, together: tuple[int, ...]) -> Subject:
    x = network.prepare(Image.open(PICTURE))
    classes = np.argsort(-home.scores(network.model, x))[:8].tolist()
    return Subject(network.name, network.model, x, classes, window, stride, together)
