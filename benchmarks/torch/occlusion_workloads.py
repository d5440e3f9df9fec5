"""Workloads of Occlusion: full masks for the bundled network, a sample of the windows for larger networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BUNDLED, BUNDLED_TRANSFORMER, BenchmarkCase
from benchmarks.comparison import CAPTUM, OURS, Comparison, Variant, Workload
from benchmarks.torch import bare_passes, captum_variants, limits
from saliency.core.adapter_request import Request
from saliency.core.batching import BatchPlan
from saliency.core.methods.incremental_occlusion import BATCH_FACTOR
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.progress import Progress
from saliency.core.score import Score
from saliency.core.target import Target

WIDE_WINDOW = 56
"""Size of the windows that Captum is timed with on 224 pixels: 16 windows and the clean input, each a full pass."""


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield the workloads of a case."""
    for size, stride in case.windows:
        prepare = full_comparison if case.name in (BUNDLED, BUNDLED_TRANSFORMER) else sampled_comparison
        yield Workload(f"Occlusion, {size}/{stride}", partial(prepare, case, size, stride))


def full_comparison(case: BenchmarkCase, size: int, stride: int) -> Comparison:
    """Prepare a comparison of full masks."""
    mask = saliency.Occlusion(case.model, case.classes[0])
    ours = partial(mask.GetMasks, case.inputs, size=size, stride=stride)
    batches = _occluded_inputs(case, size, stride).split(case.default_batch)
    many = captum_variants.fastest_window_batch(case, size, stride)
    captum = Variant(partial(captum_variants.occlusion, case, size, stride, many), f"{many} at a time")
    variants = {OURS: Variant(ours), **limits.forward_limits(case, batches), CAPTUM: captum}
    return Comparison(variants, max_ratios.for_occlusion(case.name, size), case.note)


def _occluded_inputs(case: BenchmarkCase, size: int, stride: int) -> torch.Tensor:
    x = captum_variants.input_tensor(case)
    windows = SlidingWindows.of(x, 0, size, stride)
    inside = _window_masks(windows, range(windows.count))
    return torch.where(inside.to(x.device), 0.0, x[None]).flatten(0, 1)


def _window_masks(windows: SlidingWindows, run: range) -> torch.Tensor:
    """Return masks of windows, (windows, 1, *input), True inside a window."""
    return torch.from_numpy(np.prod(np.broadcast_arrays(*windows.coverage(run)), axis=0) > 0)


def sampled_comparison(case: BenchmarkCase, size: int, stride: int) -> Comparison:
    """Prepare a comparison of one pass of ours, starting with the middle window, with bare passes of the same windows.

    The time of the full mask is extrapolated. It includes the cost that occurs once per mask: the clean input, and two windows
    that are computed both incrementally and in full.
    """
    x, batch = captum_variants.input_tensor(case), case.default_batch
    adapter, windows = saliency.wrap(case.model), SlidingWindows.of(x, 0, size, stride)
    score = Score(adapter, Request(Target.of([case.classes[0]])), 1, BatchPlan(batch, Progress()))
    wide = replace(score, plan=BatchPlan(BATCH_FACTOR * batch, Progress()))

    def run_once_per_mask() -> None:
        score.values(x)
        occluded = adapter.occluded_outputs(x, torch.zeros_like(x), windows.sizes, score.request.target)
        for i in (windows.middle_index, windows.count - 1):
            wide.occluded_values(occluded, windows.corners(range(i, i + 1)))
            score.values(x)

    occluded = adapter.occluded_outputs(x, torch.zeros_like(x), windows.sizes, score.request.target)
    if occluded is None or case.gradients_only:  # on a GPU, or for a transformer: the method computes full passes
        return _wide_window_comparison(case, windows, size)
    some = range(windows.middle_index, min(windows.middle_index + BATCH_FACTOR * batch, windows.count))
    inputs = torch.where(_window_masks(windows, some)[:, 0].to(x.device), 0.0, x)
    run, factor = partial(wide.occluded_values, occluded, windows.corners(some)), windows.count / len(some)
    ours = Variant(run, f"{len(some)} of {windows.count} windows", factor, _time_once(run_once_per_mask))
    bare = limits.forward_limits(case, inputs.split(batch))
    variants = {
        OURS: ours,
        **{name: replace(variant, factor=factor) for name, variant in bare.items()},
        CAPTUM: _captum_variant(case, windows),
    }
    note = "; ".join(filter(None, (case.note, f"{len(some)} of {windows.count} windows timed")))
    return Comparison(variants, max_ratios.for_occlusion(case.name, size), note)


def _wide_window_comparison(case: BenchmarkCase, windows: SlidingWindows, size: int) -> Comparison:
    """Prepare a comparison of wide windows, each of which is a full pass in every variant."""
    mask = saliency.Occlusion(case.model, case.classes[0])
    ours = Variant(partial(mask.GetMask, case.x, size=WIDE_WINDOW, stride=WIDE_WINDOW))
    captum, batches = _captum_variant(case, windows), bare_passes.record_batches(case.model, ours.run)
    variants = {OURS: ours, **limits.forward_limits(case, batches)}
    scaled = {name: replace(variant, factor=captum.factor) for name, variant in variants.items()}
    note = "; ".join(filter(None, (case.note, f"16 of {windows.count} windows timed, no incremental way here")))
    return Comparison(scaled | {CAPTUM: captum}, max_ratios.for_occlusion(case.name, size), note)


def _captum_variant(case: BenchmarkCase, windows: SlidingWindows) -> Variant:
    many = captum_variants.fastest_window_batch(case, WIDE_WINDOW, WIDE_WINDOW)
    run = partial(captum_variants.occlusion, case, WIDE_WINDOW, WIDE_WINDOW, many)
    return Variant(run, f"{many} at a time, timed on 16 windows of {WIDE_WINDOW} pixels", (windows.count + 1) / 17)


def _time_once(run: Callable[[], None]) -> float:
    """Return the seconds of one run, after a warm-up run."""
    run()
    start = limits.CLOCK()
    run()
    return limits.CLOCK() - start
