"""Captum's variants, with its defaults and with its fastest batch sizes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from captum import attr

from benchmarks.cases import BenchmarkCase
from benchmarks.comparison import CAPTUM, DEFAULT, Variant
from benchmarks.interleaved import Key
from benchmarks.torch.limits import CLOCK
from benchmarks.torch.networks import tensor

WINDOWS_PER_BATCH = (1, 6, 14, 32)
"""Numbers of Occlusion's windows per batch to try."""


def vanilla(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes gradients."""
    return partial(attr.Saliency(case.model).attribute, input_tensor(case), case.classes[0], abs=False)


def deep_lift(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes DeepLIFT; a network that calls a ReLU twice is refused."""
    return partial(attr.DeepLift(case.model).attribute, input_tensor(case), target=case.classes[0])


def targets(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes one input's gradients for eight classes, by repeating the input."""
    x = input_tensor(case)[:1].repeat(len(case.classes), 1, 1, 1)
    return partial(attr.Saliency(case.model).attribute, x, case.classes, abs=False)


def guided_backprop(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes guided backpropagation."""
    return partial(attr.GuidedBackprop(case.model).attribute, input_tensor(case), case.classes[0])


def grad_cam(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes Grad-CAM maps and resizes them to the input."""
    cam = attr.LayerGradCam(case.model, case.model.get_submodule(case.layer))
    x = input_tensor(case)

    def run() -> torch.Tensor:
        maps = cam.attribute(x, case.classes[0], relu_attributions=True)
        return attr.LayerAttribution.interpolate(maps, x.shape[2:], "bilinear")

    return run


def guided_grad_cam(case: BenchmarkCase) -> Callable[[], torch.Tensor]:
    """Return a function that computes Guided Grad-CAM."""
    method = attr.GuidedGradCam(case.model, case.model.get_submodule(case.layer))
    return partial(method.attribute, input_tensor(case), case.classes[0], interpolate_mode="bilinear")


def smoothgrad(case: BenchmarkCase, at_a_time: int | None = None, samples: int = 0) -> torch.Tensor:
    """Compute SmoothGrad with squares; ``at_a_time`` samples of each input per batch, None for all."""
    x = input_tensor(case)
    stdevs = 0.15 * float(x.max() - x.min())
    method = attr.NoiseTunnel(attr.Saliency(case.model))
    options: dict[str, Any] = {"nt_type": "smoothgrad_sq", "nt_samples": samples or case.samples, "stdevs": stdevs}
    return method.attribute(x, target=case.classes[0], abs=False, nt_samples_batch_size=at_a_time, **options)


def integrated_gradients(case: BenchmarkCase, at_a_time: int | None = None, steps: int = 0) -> torch.Tensor:
    """Compute Integrated Gradients by Captum's default rule; ``at_a_time`` evaluations per batch, None for all."""
    method = attr.IntegratedGradients(case.model)
    n_steps = steps or case.steps
    return method.attribute(input_tensor(case), target=case.classes[0], n_steps=n_steps, internal_batch_size=at_a_time)


def occlusion(case: BenchmarkCase, size: int, stride: int, at_a_time: int) -> torch.Tensor:
    """Compute Occlusion by zeros; ``at_a_time`` windows per batch."""
    shape, strides = (3, size, size), (3, stride, stride)
    method = attr.Occlusion(case.model)
    return method.attribute(
        input_tensor(case), shape, strides=strides, baselines=0, target=case.classes[0], perturbations_per_eval=at_a_time
    )


@cache
def input_tensor(case: BenchmarkCase) -> torch.Tensor:
    """Return the inputs as a tensor on the device."""
    return tensor(case.inputs)


@cache
def fastest_batch(case: BenchmarkCase, run: Callable[[BenchmarkCase, int | None], torch.Tensor], count: int) -> int | None:
    """Return Captum's fastest batch size: half, one or two times our default batch size, or None for all at once.

    Args:
        case: the case.
        run: ``smoothgrad`` or ``integrated_gradients``.
        count: number of samples or steps per input.
    """
    scale = case.batch if run is smoothgrad else 1  # SmoothGrad's batch size counts samples per input, the other evaluations
    sizes = {max(1, size // scale) for size in (max(1, case.default_batch // 2), case.default_batch, 2 * case.default_batch)}
    sizes = {max(size, case.batch if run is integrated_gradients else 1) for size in sizes}
    tried: list[int | None] = [size for size in sorted(sizes) if size < count * (case.batch // scale)]
    vanilla(case)()
    return fastest_of({size: partial(run, case, size) for size in [*tried, None]})


def fastest_of(tried: dict[Key, Callable[[], object]]) -> Key:
    """Return the name of the function that is fastest in a single run."""
    timings = {}
    for name, run in tried.items():
        start = CLOCK()
        run()
        timings[name] = CLOCK() - start
    return min(timings, key=timings.__getitem__)


def batch_variants(
    case: BenchmarkCase, run: Callable[[BenchmarkCase, int | None], torch.Tensor], count: int
) -> dict[str, Variant]:
    """Return Captum with its fastest batches and with its defaults; one variant if they are the same."""
    size = fastest_batch(case, run, count)
    default = Variant(partial(run, case), "all at once")
    if size is None:
        return {CAPTUM: default}
    return {CAPTUM: Variant(partial(run, case, size), f"{size} at a time"), DEFAULT: default}


@cache
def fastest_window_batch(case: BenchmarkCase, size: int, stride: int) -> int:
    """Return the fastest number of windows per batch, after a warm-up run."""
    occlusion(case, size, stride, WINDOWS_PER_BATCH[0])
    return fastest_of({many: partial(occlusion, case, size, stride, many) for many in WINDOWS_PER_BATCH})
