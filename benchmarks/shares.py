"""Measure the library's share of a mask's time: ``python -m benchmarks.shares [--squeezenet FILE] [--only NAME]``, in Torch.

The model's forward passes and Torch's backward passes count as the network's time. The rest is the library's share: noise,
sums, maps, checks and copies.
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
from benchmarks.cases import BUNDLED, SQUEEZENET, BenchmarkCase, cases_of_network
from saliency.torch import forward, strided_convolution_gradient

MAX_SHARE = 0.03


class NetworkTime:
    """Sum up the processor time spent in the network."""

    def __init__(self) -> None:
        self.seconds, self._deep = 0.0, 0

    def count_time(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time is counted once, also if it calls other counted functions."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            start, self._deep = time.process_time(), self._deep + 1
            try:
                return call(*args, **kwargs)
            finally:
                self._deep -= 1
                self.seconds += 0.0 if self._deep else time.process_time() - start

        return counted

    @contextmanager
    def record(self) -> Iterator[None]:
        """Count the forward and backward passes in the ``with`` block."""
        name = "convolution_input_gradient"
        with (
            mock.patch.object(forward, "_call", self.count_time(forward._call)),
            mock.patch.object(torch.autograd, "grad", self.count_time(torch.autograd.grad)),
            mock.patch.object(
                strided_convolution_gradient, name, self.count_time(getattr(strided_convolution_gradient, name))
            ),
        ):
            yield


def overhead_share(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median share of the library's time, and the median seconds of a run."""
    run()  # warm-up
    shares, whole = [], []
    for _ in range(rounds):
        network = NetworkTime()
        with network.record():
            start = time.process_time()
            run()
            whole.append(time.process_time() - start)
        shares.append(1 - network.seconds / whole[-1])
    return statistics.median(shares), statistics.median(whole)


def mask_runs(case: BenchmarkCase) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield names and functions of the masks to measure."""
    model, x, y = case.model, case.x, case.classes[0]
    size, stride = case.windows[0]
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
    """Measure the shares and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shares", description=__doc__)
    parser.add_argument(
        "--squeezenet",
        type=Path,
        metavar="FILE",
        help="weights of torchvision's squeezenet1_0, FILE.safetensors (default: random weights)",
    )
    parser.add_argument("--only", default="", metavar="NAME", help="measure only rows whose network or method contains NAME")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"saliency {saliency.__version__}, Torch {torch.__version__}; processor time, medians of {options.rounds} rounds.\n")
    print(f"| network | mask | a run takes | ours (bar {MAX_SHARE:.0%}) |\n|---|---|---:|---:|")
    for case in (next(cases_of_network("torch", name, options.squeezenet)) for name in (BUNDLED, SQUEEZENET)):
        for name, run in mask_runs(case):
            if options.only.lower() in f"{case.name} {name}".lower():
                part, seconds = overhead_share(run, options.rounds)
                print(f"| {case.name} | {name} | {1000 * seconds:.1f} ms | {part:.1%} |", flush=True)


if __name__ == "__main__":
    main()
