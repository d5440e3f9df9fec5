"""One run of one method with so and so many steps, samples, windows, pixels or inputs, of which time or memory is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

import saliency
from benchmarks.row import CAPTUM, OURS
from benchmarks.subjects import Subject, subjects_of

INTEGRATED, SMOOTHGRAD, OCCLUSION, VANILLA = "IntegratedGradients", "SmoothGrad", "Occlusion, 16 pixels", "Vanilla"
SIZE = 16


@dataclass(frozen=True)
class Task:
    """What is run.

    Args:
        framework, network, squeezenet: see ``subjects_of``.
        work: the method.
        amount: steps, samples, or Occlusion's stride in pixels; of no meaning to the gradient.
        library: ``OURS`` or ``CAPTUM``.
        at_a_time: Captum's batches, None for its default; our ``batch_size``, None for its default.
        side: of the input in pixels, None for the network's own; in Torch.
        inputs: how many are explained at once.
        last: whether the ResNet for smaller pictures is meant.
    """

    framework: str
    network: str
    work: str
    amount: int
    library: str = OURS
    at_a_time: int | None = None
    side: int | None = None
    inputs: int = 1
    squeezenet: str | None = None
    last: bool = False

    def way(self) -> Callable[[int], object]:
        """Build the network, and return what runs the method with some other amount, or with this."""
        found = list(subjects_of(self.framework, self.network, Path(self.squeezenet) if self.squeezenet else None))
        subject = found[-1 if self.last else 0]
        return partial(_captum if self.library == CAPTUM else _ours, self, subject)


def _ours(task: Task, subject: Subject, amount: int) -> object:
    methods = {INTEGRATED: saliency.IntegratedGradients, OCCLUSION: saliency.Occlusion}
    method = methods.get(task.work, saliency.Vanilla)
    mask = method(subject.model, subject.classes[0], batch_size=task.at_a_time or "auto")
    x = np.stack([_resized(subject.x, task.side)] * task.inputs)
    x = x + np.linspace(0, 0.01, task.inputs, dtype=np.float32).reshape(-1, *[1] * (x.ndim - 1))  # no two are the same
    if task.work == SMOOTHGRAD:
        return mask.GetSmoothedMasks(x, nsamples=amount, seed=0)
    options = {INTEGRATED: {"x_steps": amount}, OCCLUSION: {"size": SIZE, "stride": amount}, VANILLA: {}}
    return mask.GetMasks(x, **options[task.work])


def _captum(task: Task, subject: Subject, amount: int) -> object:
    from dataclasses import replace

    from benchmarks.torch import captum_ways

    one = replace(subject, batch=task.inputs)
    if task.work == OCCLUSION:
        return captum_ways.occlusion(one, SIZE, amount, task.at_a_time or 1)
    return captum_ways.integrated(one, task.at_a_time, amount)


def _resized(x: np.ndarray, side: int | None) -> np.ndarray:
    if side is None:
        return x
    rows = np.arange(side) * x.shape[1] // side
    return np.ascontiguousarray(x[:, rows][:, :, rows])
