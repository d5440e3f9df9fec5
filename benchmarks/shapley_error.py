"""The passes of Shapley values to a standard error, beside plain orders: ``python -m benchmarks.shapley_error [NETWORK ...]``.

Plain permutation sampling (Castro, Gomez & Tejada 2009) draws independent orders; each takes a pass for every region but the
last. ``ShapleySampling`` evaluates each order forward and backward, and no coalition twice. Both are unbiased, so the number
of passes for a standard error is proportional to the passes of one sample times its variance, whatever the standard error is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.cases import IMAGE_FILE
from benchmarks.rise_error import load
from benchmarks.torch import networks
from saliency.core.regions.segmentation import grid_labels

NETWORKS = ("DemoNet", "DemoViT", "SqueezeNet1_0", "ResNet-18")
MAX_PASSES = 0.5
"""The bar: the passes relative to those of plain orders."""


def main() -> None:
    """Print a row of the table for each network."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapley_error", description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--regions", type=int, default=25, help="number of cells of the grid (default: 25)")
    parser.add_argument("--pairs", type=int, default=40, help="number of pairs of orders (default: 40)")
    parser.add_argument("--tolerance", type=float, default=0.1, help="relative standard error of the passes (default: 0.1)")
    parser.add_argument("--squeezenet", type=Path, metavar="FILE", help="weights of torchvision's squeezenet1_0")
    options = parser.parse_args()
    print("| network | regions | passes, plain orders | passes, pairs | ratio |\n|---|---:|---:|---:|---:|")
    for name in options.networks:
        print(row(name, options), flush=True)


def row(name: str, options: argparse.Namespace) -> str:
    """Return a network's row."""
    network = load(name, options.squeezenet)
    x = network.prepare(Image.open(IMAGE_FILE))
    added = marginal_contributions(network.model, x, round(options.regions**0.5), options.pairs)
    regions, pairs = added.shape[-1], added.mean(axis=1)
    target = (options.tolerance * np.linalg.norm(pairs.mean(axis=0))) ** 2  # of the sum of the squared standard errors
    orders = added.var(axis=0, ddof=1).mean(axis=0).sum() / target  # those of one direction are independent
    plain, paired = (regions - 1) * orders, 2 * (regions - 1) * pairs.var(axis=0, ddof=1).sum() / target
    met = "met" if paired <= MAX_PASSES * plain else "**missed**"
    return f"| {name} | {regions} | {plain:.0f} | {paired:.0f} | {paired / plain:.2f}, {met} |"


@torch.inference_mode()
def marginal_contributions(
    model: torch.nn.Module, x: np.ndarray[Any, Any], cells: int, pairs: int, size: int = 8
) -> np.ndarray[Any, Any]:
    """Return what each cell adds to the top class's score, in pairs of opposite random orders, (pairs, 2, regions)."""
    image, random = networks.tensor(x), np.random.default_rng(0)
    labels = grid_labels(x.shape[1:], cells)
    y, regions = int(model(image[None])[0].argmax()), cells**2
    added = np.zeros((pairs, 2, regions))
    for pair in added:
        forward = random.permutation(regions)
        for row, order in zip(pair, (forward, forward[::-1]), strict=True):
            place = np.empty(regions, int)
            place[order] = np.arange(regions)
            members = place[labels] < np.arange(regions + 1)[:, None, None]  # (regions + 1, H, W)
            visible = networks.tensor(members[:, None].astype(np.float32))
            scores = torch.cat([model(part * image)[:, y] for part in visible.split(size)])
            row[order] = np.diff(scores.double().cpu().numpy())
    return added


if __name__ == "__main__":
    main()
