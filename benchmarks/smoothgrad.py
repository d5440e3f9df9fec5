"""SmoothGrad against a bare loop of the same forward and backward passes: ``python -m benchmarks.smoothgrad``."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

import saliency
from benchmarks.interleaved import compare
from saliency import nets

SAMPLES = 25


def networks(squeezenet: Path | None) -> Iterator[nets.Network]:
    """Yield the embedded network, and SqueezeNet where its weights are given."""
    yield nets.load("DemoNet")
    if squeezenet is not None:
        from tests.torchvision_ops import declare

        declare()
        yield nets.load("SqueezeNet1_0", squeezenet)


def bare_loop(model: torch.nn.Module, x: torch.Tensor, sizes: list[int]) -> None:
    """Run the passes and nothing else: no noise, no sum, no batch axis to take off."""
    for size in sizes:
        leaf = x.expand(size, *x.shape[1:]).contiguous().requires_grad_()
        torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)


def by_hand(model: torch.nn.Module, x: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Write SmoothGrad down as one would for this case alone: draw, differentiate, square, add."""
    total, sigma = torch.zeros_like(x[0]), 0.15 * float(x.max() - x.min())
    for size in sizes:
        leaf = torch.randn(size, *x.shape[1:]).mul_(sigma).add_(x).requires_grad_()
        (gradient,) = torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)
        total += gradient.square_().sum(0)
    return total / sum(sizes)


def even(size: int) -> list[int]:
    """Cut the samples into the fewest even batches of at most ``size``."""
    runs = -(-SAMPLES // size)
    bounds = [SAMPLES * i // runs for i in range(runs + 1)]
    return [b - a for a, b in pairwise(bounds)]


def best_size(model: torch.nn.Module, x: torch.Tensor, rounds: int) -> int:
    """Return the batch size at which the bare loop is fastest."""
    ways = {str(size): partial(bare_loop, model, x, even(size)) for size in (4, 7, 9, 13, 25)}
    timed = compare(ways, rounds)
    return int(min(timed, key=lambda name: timed[name].seconds))


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--squeezenet", type=Path, default=None, help="weights of torchvision's squeezenet1_0")
    options = parser.parse_args()
    print("Ratios to a bare loop of the same passes, run in turn: median (quartiles) of the rounds.")
    print(f"Torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}, {SAMPLES} samples")
    print("\n| network | batch | ours | ours, default batch | SmoothGrad by hand | bare loop |")
    print("|---|---:|---|---|---|---:|")
    for network in networks(options.squeezenet):
        x = torch.tensor(np.random.default_rng(0).normal(size=(1, 3, *network.size)), dtype=torch.float32)
        size = best_size(network.model, x, max(3, options.rounds // 3))
        ours = saliency.Vanilla(network.model, 0, batch_size=size)
        default = saliency.Vanilla(network.model, 0)
        timed = compare(
            {
                "bare": partial(bare_loop, network.model, x, even(size)),
                "by hand": partial(by_hand, network.model, x, even(size)),
                "ours": partial(ours.GetSmoothedMask, x[0], nsamples=SAMPLES, seed=0),
                "default": partial(default.GetSmoothedMask, x[0], nsamples=SAMPLES, seed=0),
            },
            options.rounds,
        )
        row = (network.name, size, timed["ours"], timed["default"], timed["by hand"], f"{timed['bare'].seconds:.2f} s = 1")
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
