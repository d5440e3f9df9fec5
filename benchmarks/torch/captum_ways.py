"""Captum's ways, as it is by itself and with the batches that are fastest for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from captum import attr

from benchmarks.interleaved import Key
from benchmarks.row import CAPTUM, DEFAULT, Way
from benchmarks.subjects import Subject
from benchmarks.torch.limits import CLOCK, usual
from benchmarks.torch.networks import tensor

AT_A_TIME = (1, 6, 14, 32)
"""Windows of Occlusion, of which the best is taken."""


def vanilla(subject: Subject) -> Callable[[], torch.Tensor]:
    """Return what computes the gradients."""
    return partial(attr.Saliency(subject.model).attribute, inputs(subject), subject.classes[0], abs=False)


def targets(subject: Subject) -> Callable[[], torch.Tensor]:
    """Return what computes one input's gradients for eight classes: it takes the input eight times."""
    x = inputs(subject)[:1].repeat(len(subject.classes), 1, 1, 1)
    return partial(attr.Saliency(subject.model).attribute, x, subject.classes, abs=False)


def guided(subject: Subject) -> Callable[[], torch.Tensor]:
    """Return what does guided backpropagation."""
    return partial(attr.GuidedBackprop(subject.model).attribute, inputs(subject), subject.classes[0])


def grad_cam(subject: Subject) -> Callable[[], torch.Tensor]:
    """Return what computes maps of the layer's size, and brings them to the input's."""
    cam = attr.LayerGradCam(subject.model, subject.model.get_submodule(subject.layer))
    x = inputs(subject)

    def run() -> torch.Tensor:
        maps = cam.attribute(x, subject.classes[0], relu_attributions=True)
        return attr.LayerAttribution.interpolate(maps, x.shape[2:], "bilinear")

    return run


def guided_grad_cam(subject: Subject) -> Callable[[], torch.Tensor]:
    """Return what computes the product of both."""
    both = attr.GuidedGradCam(subject.model, subject.model.get_submodule(subject.layer))
    return partial(both.attribute, inputs(subject), subject.classes[0], interpolate_mode="bilinear")


def smoothgrad(subject: Subject, at_a_time: int | None = None, samples: int = 0) -> torch.Tensor:
    """Compute SmoothGrad with squares, some samples of each input at a time; None is all of them."""
    x = inputs(subject)
    stdevs = 0.15 * float(x.max() - x.min())
    noisy = attr.NoiseTunnel(attr.Saliency(subject.model))
    options: dict[str, Any] = {"nt_type": "smoothgrad_sq", "nt_samples": samples or subject.samples, "stdevs": stdevs}
    return noisy.attribute(x, target=subject.classes[0], abs=False, nt_samples_batch_size=at_a_time, **options)


def integrated(subject: Subject, at_a_time: int | None = None, steps: int = 0) -> torch.Tensor:
    """Integrate by Captum's own rule, some points at a time; None is all of them."""
    along = attr.IntegratedGradients(subject.model)
    n_steps = steps or subject.steps
    return along.attribute(inputs(subject), target=subject.classes[0], n_steps=n_steps, internal_batch_size=at_a_time)


def occlusion(subject: Subject, size: int, stride: int, at_a_time: int) -> torch.Tensor:
    """Cover windows with zeros, some at a time."""
    shape, strides = (3, size, size), (3, stride, stride)
    hidden = attr.Occlusion(subject.model)
    return hidden.attribute(
        inputs(subject), shape, strides=strides, baselines=0, target=subject.classes[0], perturbations_per_eval=at_a_time
    )


@cache
def inputs(subject: Subject) -> torch.Tensor:
    """Return the inputs on the device."""
    return tensor(subject.inputs)


@cache
def best(subject: Subject, run: Callable[[Subject, int | None], torch.Tensor], count: int) -> int | None:
    """Return how many to compute at a time: of half, all and twice the library's usual batch, and all, what takes least time.

    Args:
        subject: the network.
        run: ``smoothgrad`` or ``integrated``.
        count: how many there are for each input.
    """
    scale = subject.batch if run is smoothgrad else 1  # its batches count samples of every input, the others' evaluations
    sizes = {max(1, size // scale) for size in (max(1, usual(subject) // 2), usual(subject), 2 * usual(subject))}
    sizes = {max(size, subject.batch if run is integrated else 1) for size in sizes}
    tried: list[int | None] = [size for size in sorted(sizes) if size < count * (subject.batch // scale)]
    vanilla(subject)()
    return _quickest({size: partial(run, subject, size) for size in [*tried, None]})


def _quickest(tried: dict[Key, Callable[[], object]]) -> Key:
    """Return the name of what takes least time in its only run."""
    taken = {}
    for name, run in tried.items():
        start = CLOCK()
        run()
        taken[name] = CLOCK() - start
    return min(taken, key=taken.__getitem__)


def ways(subject: Subject, run: Callable[[Subject, int | None], torch.Tensor], count: int) -> dict[str, Way]:
    """Return Captum's best batches and its defaults; the former alone where these are the best."""
    size = best(subject, run, count)
    default = Way(partial(run, subject), "all at once")
    if size is None:
        return {CAPTUM: default}
    return {CAPTUM: Way(partial(run, subject, size), f"{size} at a time"), DEFAULT: default}


@cache
def windows_at_a_time(subject: Subject, size: int, stride: int) -> int:
    """Return how many windows at a time are fastest, after a run that does not count."""
    occlusion(subject, size, stride, AT_A_TIME[0])
    return _quickest({many: partial(occlusion, subject, size, stride, many) for many in AT_A_TIME})
