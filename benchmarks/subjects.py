"""What the benchmarks are run on: a network, a picture and the classes that it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import saliency.demo
from saliency import nets

PICTURE = Path(saliency.demo.__file__).parent / "scenes" / "scene_17.png"
EMBEDDED, SQUEEZENET, RESNET, VGG = "DemoNet", "SqueezeNet1_0", "ResNet-18", "VGG-16"
MANY = 16
PIXELS = 224
FEWER_PIXELS = 112
"""Of ResNet-18's input where many of it are explained at once: on a processor 224 pixels would take minutes a row."""


WINDOWS = ((32, 16), (16, 8), (16, 4))
RANDOM = "random weights"


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and its input.

    Args:
        name: of the network.
        model: in eval mode.
        x: one input, (3, H, W) or, in Keras, (H, W, 3).
        classes: the eight with the highest scores for this input, best first.
        layer: of class activation maps, in Torch.
        windows: (size, stride) of occlusion, in pixels.
        batch: how many inputs are explained at once.
        samples, steps: of SmoothGrad and of Integrated Gradients.
        most: steps that are tried at most to reach a completeness gap.
        occlusion_alone: do no other work.
        note: what the table says about it.
    """

    name: str
    model: Any
    x: np.ndarray[Any, Any]
    classes: list[int]
    layer: str
    windows: tuple[tuple[int, int], ...]
    batch: int = 1
    samples: int = 25
    steps: int = 50
    most: int = 512
    occlusion_alone: bool = False
    note: str = ""

    @property
    def inputs(self) -> np.ndarray[Any, Any]:
        """The inputs, (batch, *input): the picture, moved sideways by four pixels from one to the next."""
        width = -1 if self.x.shape[0] == 3 else -2
        return np.stack([np.roll(self.x, 4 * i, axis=width) for i in range(self.batch)])


def subjects(framework: str, squeezenet: Path | None) -> Iterator[Subject]:
    """Yield all subjects of a framework."""
    for name in (EMBEDDED, SQUEEZENET, RESNET, *([VGG] if framework == "torch" else [])):
        yield from subjects_of(framework, name, squeezenet)


def subjects_of(framework: str, name: str, squeezenet: Path | None) -> Iterator[Subject]:
    """Yield a network for one input and for many at once; SqueezeNet has random weights where its file is not given."""
    home = import_module(f"benchmarks.{framework}.networks")
    few = {"batch": MANY, "samples": 2, "steps": 4, "windows": ()}
    if name == EMBEDDED:
        one = _subject(home, nets.load(EMBEDDED, framework=framework), "relu6", (WINDOWS[0], WINDOWS[2]), most=4096)
        yield from (one, replace(one, batch=MANY, samples=5, steps=10, windows=WINDOWS[:1]))
    elif name == SQUEEZENET:
        one = _subject(home, home.squeezenet(squeezenet), "features.12", WINDOWS, note="" if squeezenet else RANDOM)
        yield from (one, replace(one, **few))
    elif name == RESNET:
        yield _subject(home, home.resnet18(PIXELS), "layer4", WINDOWS, note=RANDOM)
        note = f"{RANDOM}, {FEWER_PIXELS} x {FEWER_PIXELS} pixels"
        yield replace(_subject(home, home.resnet18(FEWER_PIXELS), "layer4", (), note=note), **few)
    else:
        yield _subject(home, home.vgg16(), "features.28", WINDOWS[1:], note=RANDOM, occlusion_alone=True)


def _subject(home: Any, network: nets.Network, layer: str, windows: tuple[tuple[int, int], ...], **more: Any) -> Subject:
    x = network.prepare(Image.open(PICTURE))
    classes = np.argsort(-home.scores(network.model, x))[:8].tolist()
    return Subject(network.name, network.model, x, classes, layer, windows, **more)
