"""Compare quadrature rules at equal cost: ``python -m benchmarks.completeness [--squeezenet FILE --pictures FOLDER]``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

import saliency
from saliency import nets
from saliency.core.numerics.quadrature import QUADRATURE_RULES
from saliency.demo.scenes import load_scenes

RULES = [rule for rule in QUADRATURE_RULES if rule != "right"]  # as accurate as "inclusive"
STEPS = (10, 25, 50)


def networks_with_inputs(
    squeezenet: Path | None, pictures: Path | None
) -> Iterator[tuple[str, torch.nn.Module, np.ndarray[Any, Any]]]:
    """Yield a network's name, its model and inputs (N, 3, H, W): each image and its mirror image."""
    network = nets.load("DemoNet")
    yield network.name, network.model, _prepare_inputs(network, [scene.picture for scene in load_scenes()])
    if squeezenet is not None and pictures is not None:
        from tests.torchvision_ops import declare

        declare()
        network = nets.load("SqueezeNet1_0", squeezenet)
        yield (
            network.name,
            network.model,
            _prepare_inputs(network, [Image.open(file) for file in sorted(pictures.glob("*.jpg"))]),
        )


def _prepare_inputs(network: nets.Network, pictures: list[Image.Image]) -> np.ndarray[Any, Any]:
    return np.stack([network.prepare(turn(picture)) for picture in pictures for turn in (lambda p: p, ImageOps.mirror)])


def relative_gaps(model: torch.nn.Module, x: np.ndarray[Any, Any], rule: str, steps: int) -> np.ndarray[Any, Any]:
    """Return each input's completeness gap for its top class, relative to the score's change, (N,)."""
    details = saliency.IntegratedGradients(model).GetMasks(x, x_steps=steps, rule=rule, details=True).details
    return np.abs(details["gap"] / details["change"])


def main() -> None:
    """Measure the gaps and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.completeness", description=__doc__)
    parser.add_argument("--squeezenet", type=Path, default=None, metavar="FILE", help="weights of torchvision's squeezenet1_0")
    parser.add_argument("--pictures", type=Path, default=None, metavar="FOLDER", help="folder of photographs (*.jpg) for it")
    options = parser.parse_args()
    print("Completeness gap, relative to the score's change from the zero baseline: median over the inputs.\n")
    print(f"| network | rule | {' | '.join(f'{steps} points' for steps in STEPS)} |\n|---|---|{'---:|' * len(STEPS)}")
    for name, model, x in networks_with_inputs(options.squeezenet, options.pictures):
        for rule in RULES:
            per_steps = [relative_gaps(model, x, rule, steps) for steps in STEPS]
            cells = " | ".join(f"{np.median(gap):.2%}" for gap in per_steps)
            print(f"| {name}, {len(x)} inputs | {rule} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
