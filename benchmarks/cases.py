"""Benchmark cases: a network, an image and the classes to explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import saliency.demo
from saliency import nets
from saliency.core.mask_runner import default_batch_size

IMAGE_FILE = Path(saliency.demo.__file__).parent / "scenes" / "scene_17.png"
TRANSFORMERS = ("DemoViT", "ViT-B/32")
BUNDLED, SQUEEZENET, RESNET, VGG = "DemoNet", "SqueezeNet1_0", "ResNet-18", "VGG-16"
BUNDLED_TRANSFORMER, TRANSFORMER = TRANSFORMERS[0], "ViT-B/16"
LARGE_BATCH = 16
PIXELS = 224
SMALL_PIXELS = 112
"""Size of ResNet-18's input for large batches; on a CPU, 224 pixels would take minutes per row."""

WINDOWS = ((32, 16), (16, 8), (16, 4))
RANDOM_WEIGHTS = "random weights"


@dataclass(frozen=True, eq=False)
class BenchmarkCase:
    """Hold a network, its input, and the sizes of its workloads.

    Args:
        name: name of the network.
        model: the model in eval mode.
        x: one input, (3, H, W), or (H, W, 3) in Keras.
        classes: the eight classes with the highest scores for this input, in descending order.
        layer: the layer of class activation maps, in Torch.
        windows: (size, stride) of Occlusion, in pixels.
        batch: number of inputs that are explained at once.
        samples, steps: numbers of SmoothGrad's samples and Integrated Gradients' steps.
        max_steps: maximum number of steps to reach a completeness gap.
        occlusion_only: run no other workloads.
        has_attention: the network is a transformer: run the workloads of attention and LRP only.
        gradients_only: run only workloads of input gradients, and Occlusion.
        note: a remark for the reader of the table.
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
    max_steps: int = 512
    occlusion_only: bool = False
    has_attention: bool = False
    gradients_only: bool = False
    note: str = ""

    @property
    def default_batch(self) -> int:
        """The library's default batch size."""
        return default_batch_size(self.x, saliency.wrap(self.model))

    @property
    def inputs(self) -> np.ndarray[Any, Any]:
        """The inputs, (batch, *input): copies of the image, each shifted by four more pixels horizontally."""
        width = -1 if self.x.shape[0] == 3 else -2
        return np.stack([np.roll(self.x, 4 * i, axis=width) for i in range(self.batch)])


def all_cases(framework: str, squeezenet: Path | None, networks: Sequence[str] = ()) -> Iterator[BenchmarkCase]:
    """Yield all cases of a framework, or those of the named networks."""
    transformers = (*TRANSFORMERS, TRANSFORMER) if framework == "torch" else ()
    for name in (BUNDLED, SQUEEZENET, RESNET, VGG, *transformers):
        if not networks or name in networks:
            yield from cases_of_network(framework, name, squeezenet)


def cases_of_network(framework: str, name: str, squeezenet: Path | None) -> Iterator[BenchmarkCase]:
    """Yield the cases of a network: one input and a large batch; SqueezeNet has random weights unless its file is given."""
    backend = import_module(f"benchmarks.{framework}.networks")
    few = {"batch": LARGE_BATCH, "samples": 2, "steps": 4, "windows": ()}
    if name == BUNDLED:
        one = _make_case(backend, nets.load(BUNDLED, framework=framework), "relu6", (WINDOWS[0], WINDOWS[2]), max_steps=4096)
        yield from (one, replace(one, batch=LARGE_BATCH, samples=5, steps=10, windows=WINDOWS[:1]))
    elif name == SQUEEZENET:
        one = _make_case(
            backend, backend.squeezenet(squeezenet), "features.12", WINDOWS, note="" if squeezenet else RANDOM_WEIGHTS
        )
        yield from (one, replace(one, **few))
    elif name == RESNET:
        yield _make_case(backend, backend.resnet18(PIXELS), "layer4", WINDOWS, note=RANDOM_WEIGHTS)
        note = f"{RANDOM_WEIGHTS}, {SMALL_PIXELS} x {SMALL_PIXELS} pixels"
        yield replace(_make_case(backend, backend.resnet18(SMALL_PIXELS), "layer4", (), note=note), **few)
    elif name in TRANSFORMERS:
        bundled = name == TRANSFORMERS[0]
        network, note = (nets.load(name), "") if bundled else (backend.vision_transformer(), RANDOM_WEIGHTS)
        yield _make_case(backend, network, "", (), note=note, has_attention=True)
        if bundled:
            yield _make_case(backend, network, "", WINDOWS[:1], gradients_only=True)
    elif name == TRANSFORMER:
        yield _make_case(backend, backend.vit_b_16(), "", WINDOWS[:1], note=RANDOM_WEIGHTS, gradients_only=True)
    else:
        yield _make_case(backend, backend.vgg16(), "features.28", WINDOWS[1:], note=RANDOM_WEIGHTS, occlusion_only=True)


def _make_case(
    backend: Any, network: nets.Network, layer: str, windows: tuple[tuple[int, int], ...], **more: Any
) -> BenchmarkCase:
    x = network.prepare(Image.open(IMAGE_FILE))
    classes = np.argsort(-backend.scores(network.model, x))[:8].tolist()
    return BenchmarkCase(network.name, network.model, x, classes, layer, windows, **more)
