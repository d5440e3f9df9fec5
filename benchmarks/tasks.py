"""Tasks: one run of a method with a given number of steps, samples, windows, pixels or inputs, to measure time or memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

import saliency
from benchmarks.cases import BenchmarkCase, cases_of_network
from benchmarks.comparison import CAPTUM, OURS

INTEGRATED, SMOOTHGRAD, OCCLUSION, VANILLA = "IntegratedGradients", "SmoothGrad", "Occlusion, 16 pixels", "Vanilla"
BLUR = "BlurIG"
SIZE = 16


@dataclass(frozen=True)
class Task:
    """Describe one run.

    Args:
        framework, network, squeezenet: see ``cases_of_network``.
        work: the method.
        amount: number of steps or samples, or Occlusion's stride in pixels; ignored for the plain gradient.
        library: ``OURS`` or ``CAPTUM``.
        batch_size: batch size of the library; None for its default.
        side: size of the input in pixels, in Torch only; None for the network's default.
        inputs: number of inputs that are explained at once.
        small_resnet: use the ResNet for smaller images.
    """

    framework: str
    network: str
    work: str
    amount: int
    library: str = OURS
    batch_size: int | None = None
    side: int | None = None
    inputs: int = 1
    squeezenet: str | None = None
    small_resnet: bool = False

    def prepare(self) -> Callable[[int], object]:
        """Load the network and return a function that runs the method with a given amount."""
        cases = list(cases_of_network(self.framework, self.network, Path(self.squeezenet) if self.squeezenet else None))
        case = cases[-1 if self.small_resnet else 0]
        return partial(_run_captum if self.library == CAPTUM else _run_ours, self, case)


def _run_ours(task: Task, case: BenchmarkCase, amount: int) -> object:
    methods = {INTEGRATED: saliency.IntegratedGradients, BLUR: saliency.BlurIG, OCCLUSION: saliency.Occlusion}
    method = methods.get(task.work, saliency.Vanilla)
    mask = method(case.model, case.classes[0], batch_size=task.batch_size or "auto")
    x = np.stack([_resize(case.x, task.side)] * task.inputs)
    x = x + np.linspace(0, 0.01, task.inputs, dtype=np.float32).reshape(-1, *[1] * (x.ndim - 1))  # makes all inputs different
    if task.work == SMOOTHGRAD:
        return mask.GetSmoothedMasks(x, nsamples=amount, seed=0)
    steps = {"x_steps": amount}
    options = {INTEGRATED: steps, BLUR: steps, OCCLUSION: {"size": SIZE, "stride": amount}, VANILLA: {}}
    return mask.GetMasks(x, **options[task.work])


def _run_captum(task: Task, case: BenchmarkCase, amount: int) -> object:
    from dataclasses import replace

    from benchmarks.torch import captum_variants

    batched = replace(case, batch=task.inputs)
    if task.work == OCCLUSION:
        return captum_variants.occlusion(batched, SIZE, amount, task.batch_size or 1)
    return captum_variants.integrated_gradients(batched, task.batch_size, amount)


def _resize(x: np.ndarray, side: int | None) -> np.ndarray:
    if side is None:
        return x
    rows = np.arange(side) * x.shape[1] // side
    return np.ascontiguousarray(x[:, rows][:, :, rows])
