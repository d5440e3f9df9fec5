"""Incremental occlusion against forward passes of the covered inputs: ``python -m benchmarks.occlusion [--only NAME]``.

A round is a pass of ours and the passes of the same windows in batches of the usual size, from the middle of the picture on.
The whole mask is reckoned from it, with what a mask takes once: the clean input, and two windows computed both ways.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image

import saliency
from benchmarks.interleaved import compare
from benchmarks.subjects import PICTURE
from benchmarks.torch import bare
from saliency import nets
from saliency.core.covered import TOGETHER
from saliency.core.pace import Pace
from saliency.core.progress import Progress
from saliency.core.run import usual_size
from saliency.core.score import Score
from saliency.core.target import Target
from saliency.core.windows import Windows

Clock: TypeAlias = Callable[[], float]

BARS = {"vgg16": 0.20, "squeezenet1_0": 0.32, "resnet18": 0.42}
"""Of the batched forward passes, at 16/8 and 16/4."""

HEAD = (
    "| network | window/stride | windows | a pass each | bar | ratio a window | whole mask | off by |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|"
)


def networks(only: str) -> Iterator[tuple[str, torch.nn.Module, torch.Tensor]]:
    """Yield a network's name, the network and an input (1, 3, H, W); torchvision's have random weights."""
    network = nets.load("DemoNet")
    if only.lower() in network.name.lower():
        yield network.name, network.model, torch.from_numpy(network.prepare(Image.open(PICTURE)))[None]
    for name in BARS:
        if only.lower() in name:
            from tests.torchvision_ops import declare

            declare()
            from torchvision import models

            torch.manual_seed(0)
            x = Image.open(PICTURE).convert("RGB").resize((224, 224))
            pixels = (np.asarray(x, np.float32) / 255 - 0.45) / 0.225
            yield name, getattr(models, name)(weights=None).eval(), torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]


def line(name: str, model: torch.nn.Module, x: torch.Tensor, size: int, stride: int, rounds: int, clock: Clock) -> str:
    """Measure one kind of window on one network, and write it down."""
    adapter, windows = saliency.wrap(model), Windows.of(x, 0, size, stride)
    usual = usual_size(x[0].numpy(), adapter)
    score = Score(adapter, Target.of([1]), {}, 1, Pace(usual, Progress()))
    wide = replace(score, pace=Pace(TOGETHER * usual, Progress()))
    for _ in range(2):  # a first call of a process takes longer
        start = clock()
        covered = adapter.covered(x, torch.zeros_like(x), windows.sizes, score.target)
        for i in (windows.middle, windows.count - 1):
            wide.covered(covered, windows.corners(range(i, i + 1)))
            score.values(x)
        once = clock() - start
    some = range(windows.middle, min(windows.middle + TOGETHER * usual, windows.count))
    inside = np.prod(np.broadcast_arrays(*windows.inside(some)), axis=0)  # (windows, 1, *input)
    inputs = torch.where(torch.from_numpy(inside[:, 0] > 0), 0.0, x)
    ours = partial(wide.covered, covered, windows.corners(some))
    timed = compare({"bare": partial(bare.forwards, model, inputs.split(usual)), "ours": ours}, rounds, clock)
    scores, clean = model(inputs)[:, 1], model(x)[:, 1]
    off = float((ours()[:, 0] - scores).abs().max() / (scores - clean).abs().max())
    whole = np.median(timed["ours"].ratios) + once / timed["bare"].seconds * len(some) / windows.count
    bar = f"{BARS[name]:.2f}" if name in BARS and size == 16 else ""
    each = f"{1000 * timed['bare'].seconds / len(some):.1f} ms"
    return f"| {name} | {size}/{stride} | {windows.count} | {each} | {bar} | {timed['ours']} | {whole:.3f} | {off:.0e} |"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.occlusion", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="networks that have this in their names")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cpu", action="store_true", help="count the processor's seconds of all threads, not the clock's")
    options = parser.parse_args()
    clock = time.process_time if options.cpu else time.perf_counter
    print(f"Torch {torch.__version__}, {torch.get_num_threads()} threads. Medians (quartiles) of {options.rounds} rounds.\n")
    print(HEAD)
    with torch.no_grad():
        for name, model, x in networks(options.only):
            for size, stride in ((32, 16), (16, 8), (16, 4)):
                print(line(name, model, x, size, stride, options.rounds, clock), flush=True)


if __name__ == "__main__":
    main()
