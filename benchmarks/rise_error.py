"""The error of RISE with and without a control variate: ``python -m benchmarks.rise_error [--masks N] [NETWORK ...]``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.cases import IMAGE_FILE
from benchmarks.torch import networks
from saliency import nets
from saliency.core.methods.random_masks import RandomMasks
from saliency.core.methods.rise_estimate import controlled_estimate, plain_estimate
from saliency.core.noise import sample_seeds

NETWORKS = ("DemoNet", "DemoViT", "SqueezeNet1_0", "ResNet-18")
MAX_ERROR, MAX_PASSES = 0.40, 0.20
"""The bars: the error relative to that of the plain mean, and its square, the share of the masks for the same error."""

Estimate = Callable[..., tuple[np.ndarray, object]]


def main() -> None:
    """Print a row of the table for each network."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rise_error", description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--masks", type=int, default=20_000, help="number of masks of the reference (default: 20000)")
    parser.add_argument("--nmasks", type=int, default=512, help="number of masks of a map (default: 512)")
    parser.add_argument("--squeezenet", type=Path, metavar="FILE", help="weights of torchvision's squeezenet1_0")
    parser.add_argument(
        "--image", type=Path, default=IMAGE_FILE, metavar="FILE", help="the picture (default: a bundled scene)"
    )
    options = parser.parse_args()
    print(f"Error of maps of {options.nmasks} masks, relative to the map of {options.masks} masks; bar {MAX_ERROR:.2f}.\n")
    print("| network | plain | with a control variate | ratio | share of the masks |\n|---|---:|---:|---:|---:|")
    for name in options.networks:
        print(row(name, options), flush=True)


def row(name: str, options: argparse.Namespace) -> str:
    """Return a network's row."""
    network = load(name, options.squeezenet)
    x = network.prepare(Image.open(options.image))
    masks = RandomMasks(list(x.shape[1:]), 7, 0.5)
    seeds = sample_seeds(0, options.masks)
    scores = masked_scores(network.model, x, masks, seeds)
    reference = controlled_estimate(masks, seeds, scores, errors=False).map
    plain, ours = (
        rms_error(one, masks, seeds, scores, reference, options.nmasks) for one in (plain_estimate, controlled_estimate)
    )
    ratio = ours / plain
    met = "met" if ratio <= MAX_ERROR else "**missed**"
    return f"| {name} | {plain:.3f} | {ours:.3f} | {ratio:.2f}, {met} | {ratio**2:.2f}, bar {MAX_PASSES:.2f} |"


def load(name: str, squeezenet: Path | None) -> nets.Network:
    """Return a network in Torch."""
    if name == "SqueezeNet1_0":
        return networks.squeezenet(squeezenet)
    return networks.resnet18(224) if name == "ResNet-18" else nets.load(name, framework="torch")


@torch.inference_mode()
def masked_scores(model: torch.nn.Module, x: np.ndarray, masks: RandomMasks, seeds: list[int], size: int = 8) -> np.ndarray:
    """Return the scores (masks, 1) of the top class."""
    tensor, found = networks.tensor(x), []
    y = int(model(tensor[None])[0].argmax())
    for start in range(0, len(seeds), size):
        rendered = masks.render(masks.draw(seeds[start : start + size])).astype(np.float32)
        found.append(model(networks.tensor(rendered[:, None]) * tensor)[:, y].double().cpu().numpy())
    return np.concatenate(found)[:, None]


def rms_error(
    estimate: Estimate, masks: RandomMasks, seeds: list[int], scores: np.ndarray, reference: np.ndarray, size: int
) -> float:
    """Return the root mean square of the relative errors of maps of ``size`` masks, at most eight of them."""
    errors = []
    for start in range(0, min(len(seeds), 8 * size) - size + 1, size):
        chunk = slice(start, start + size)
        found = estimate(masks, seeds[chunk], scores[chunk], errors=False)[0]
        errors.append(float(np.linalg.norm(found - reference) / np.linalg.norm(reference)))
    return float(np.sqrt(np.mean(np.square(errors))))


if __name__ == "__main__":
    main()
