"""How much of a mask's time is ours: ``python -m benchmarks.shares [--squeezenet FILE] [--only NAME]``, in Torch.

The model's forward passes and Torch's backward passes are the network's; all else is ours: noise, sums, maps, checks, copies.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import saliency
from benchmarks.subjects import EMBEDDED, SQUEEZENET, Subject, subjects_of
from saliency.torch import forward, strided_convolution

BAR = 0.03


class Inside:
    """Adds up the processor's seconds that are spent in the network."""

    def __init__(self) -> None:
        self.seconds, self._deep = 0.0, 0

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that is counted, but not what it calls once more."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            start, self._deep = time.process_time(), self._deep + 1
            try:
                return call(*args, **kwargs)
            finally:
                self._deep -= 1
                self.seconds += 0.0 if self._deep else time.process_time() - start

        return counted

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Count the forward and the backward passes of the block."""
        with (
            mock.patch.object(forward, "_call", self.timed(forward._call)),
            mock.patch.object(torch.autograd, "grad", self.timed(torch.autograd.grad)),
            mock.patch.object(
                strided_convolution, "convolution_input_gradient", self.timed(strided_convolution.convolution_input_gradient)
            ),
        ):
            yield


def share(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return our part of the time and the seconds of a run, medians."""
    run()  # a first call has something to find out
    shares, whole = [], []
    for _ in range(rounds):
        inside = Inside()
        with inside.noted():
            start = time.process_time()
            run()
            whole.append(time.process_time() - start)
        shares.append(1 - inside.seconds / whole[-1])
    return statistics.median(shares), statistics.median(whole)


def masks(subject: Subject) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is measured, by name."""
    model, x, y = subject.model, subject.x, subject.classes[0]
    size, stride = subject.windows[0]
    vanilla = saliency.Vanilla(model, y)
    yield "Vanilla", partial(vanilla.GetMask, x)
    yield "SmoothGrad, 25 samples", partial(vanilla.GetSmoothedMask, x, nsamples=25, seed=0)
    yield "GuidedBackprop", partial(saliency.GuidedBackprop(model, y).GetMask, x)
    yield "IntegratedGradients, 50 steps", partial(saliency.IntegratedGradients(model, y).GetMask, x, x_steps=50)
    yield "GradientSHAP, 25 points", partial(saliency.GradientSHAP(model, y).GetMask, x, x_steps=25, seed=0)
    yield f"Occlusion {size}/{stride}", partial(saliency.Occlusion(model, y).GetMask, x, size=size, stride=stride)
    yield "RISE, 100 masks", partial(saliency.RISE(model, y).GetMask, x, nmasks=100, seed=0)
    for method in (saliency.GradCAM, saliency.LayerCAM, saliency.GuidedGradCAM):
        yield method.__name__, partial(method(model, y).GetMask, x)
        yield f"{method.__name__}, 8 at once", partial(method(model, y).GetMasks, [x.copy() for _ in range(8)])


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shares", description=__doc__)
    parser.add_argument("--squeezenet", type=Path, metavar="FILE", help="NAME.safetensors holds its weights; random without")
    parser.add_argument("--only", default="", metavar="NAME", help="rows that have this in their network or method")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"saliency {saliency.__version__}, Torch {torch.__version__}; processor time, medians of {options.rounds} rounds.\n")
    print(f"| network | mask | a run takes | ours (bar {BAR:.0%}) |\n|---|---|---:|---:|")
    for subject in (next(subjects_of("torch", name, options.squeezenet)) for name in (EMBEDDED, SQUEEZENET)):
        for name, run in masks(subject):
            if options.only.lower() in f"{subject.name} {name}".lower():
                part, seconds = share(run, options.rounds)
                print(f"| {subject.name} | {name} | {1000 * seconds:.1f} ms | {part:.1%} |", flush=True)


if __name__ == "__main__":
    main()
