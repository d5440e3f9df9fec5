"""The passes of Shapley values to a standard error, beside plain orders: ``python -m benchmarks.shapley_error [NETWORK ...]``.

Plain permutation sampling (Castro, Gomez & Tejada 2009) draws independent orders; each takes a pass for every region but the
last. ``ShapleySampling`` evaluates each order forward and backward, and no coalition twice. From 10 pairs on, it also uses a
linear function as a control variate. All are unbiased, so the number of passes for a standard error is proportional to the
passes of one sample times its variance. That of ours is measured with as many pairs as pairs alone need.
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
from saliency.core.regions.order_estimates import shapley_estimates
from saliency.core.regions.permutations import OrderScores
from saliency.core.regions.segmentation import grid_labels

NETWORKS = ("DemoNet", "DemoViT", "SqueezeNet1_0", "ResNet-18")
MAX_PASSES = 0.5
"""The bar: the passes relative to those of plain orders."""


def main() -> None:
    """Print a row of the table for each network."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapley_error", description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--regions", type=int, default=25, help="number of cells of the grid (default: 25)")
    parser.add_argument("--pairs", type=int, default=80, help="number of pairs of orders (default: 80)")
    parser.add_argument("--tolerance", type=float, default=0.1, help="relative standard error of the passes (default: 0.1)")
    parser.add_argument("--squeezenet", type=Path, metavar="FILE", help="weights of torchvision's squeezenet1_0")
    options = parser.parse_args()
    print("| network | regions | passes, plain orders | passes, pairs | passes, ours | ours / plain |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in options.networks:
        print(row(name, options), flush=True)


def row(name: str, options: argparse.Namespace) -> str:
    """Return a network's row."""
    network = load(name, options.squeezenet)
    x = network.prepare(Image.open(IMAGE_FILE))
    orders = scores_of_orders(network.model, x, round(options.regions**0.5), options.pairs)
    added = np.take_along_axis(np.diff(orders.found[..., 0], axis=2), orders.ranks, axis=2)  # (pairs, 2, regions)
    pairs, passes = added.mean(axis=1), 2 * (added.shape[-1] - 1)  # of a pair
    target = (options.tolerance * np.linalg.norm(pairs.mean(axis=0))) ** 2  # of the sum of the squared standard errors
    plain = passes / 2 * added.var(axis=0, ddof=1).mean(axis=0).sum() / target  # the orders of one direction are independent
    needed = _variance(pairs) / target
    n = min(max(2, round(needed)), len(pairs))
    parts = [slice(i, i + n) for i in range(0, len(pairs) - n + 1, n)]
    estimates = [shapley_estimates(OrderScores(*(one[part] for one in orders))) for part in parts]
    ours = passes * needed * sum(map(_variance, estimates)) / sum(_variance(pairs[part]) for part in parts)
    met = "met" if ours <= MAX_PASSES * plain else "**missed**"
    return f"| {name} | {added.shape[-1]} | {plain:.0f} | {passes * needed:.0f} | {ours:.0f} | {ours / plain:.2f}, {met} |"


def _variance(estimates: np.ndarray[Any, Any]) -> float:
    """Return the sum of the variances over pairs, (pairs, ...)."""
    return float(estimates.var(axis=0, ddof=1).sum())


@torch.inference_mode()
def scores_of_orders(model: torch.nn.Module, x: np.ndarray[Any, Any], cells: int, pairs: int, size: int = 8) -> OrderScores:
    """Return the top class's scores of coalitions of cells, in pairs of opposite random orders."""
    image, random = networks.tensor(x), np.random.default_rng(0)
    labels = grid_labels(x.shape[1:], cells)
    y, regions = int(model(image[None])[0].argmax()), cells**2
    forward = np.array([random.permutation(regions) for _ in range(pairs)])
    ranks, found = np.stack([forward, regions - 1 - forward], axis=1), np.zeros((pairs, 2, regions + 1, 1))
    for place, scores in zip(ranks.reshape(-1, regions), found.reshape(-1, regions + 1), strict=True):
        members = place[labels] < np.arange(regions + 1)[:, None, None]  # (regions + 1, H, W)
        visible = networks.tensor(members[:, None].astype(np.float32))
        scores[:] = torch.cat([model(part * image)[:, y] for part in visible.split(size)]).double().cpu().numpy()
    return OrderScores(ranks, found)


if __name__ == "__main__":
    main()
