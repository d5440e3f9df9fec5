"""Workloads of Occlusion: full masks for the bundled network, a sample of the windows for larger networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

import saliency
from benchmarks import max_ratios
from benchmarks.cases import BUNDLED, BenchmarkCase
from benchmarks.comparison import OURS, Comparison, Variant, Workload, format_batch_sizes
from benchmarks.tf import bare_passes, limits
from saliency.core.adapter_request import Request
from saliency.core.batching import BatchPlan
from saliency.core.methods.incremental_occlusion import BATCH_FACTOR
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.progress import Progress
from saliency.core.score import Score
from saliency.core.target import Target

WIDE_WINDOW = 56
"""Size of the windows that larger networks are timed with on a GPU: 16 windows and the clean input, each a full pass."""


def workloads(case: BenchmarkCase) -> Iterator[Workload]:
    """Yield the workloads of a case."""
    for size, stride in case.windows:
        prepare = full_comparison if case.name == BUNDLED else sampled_comparison
        yield Workload(f"Occlusion, {size}/{stride}", partial(prepare, case, size, stride))


def full_comparison(case: BenchmarkCase, size: int, stride: int) -> Comparison:
    """Prepare a comparison of full masks."""
    ours = partial(saliency.Occlusion(case.model, case.classes[0]).GetMasks, case.inputs, size=size, stride=stride)
    inputs = tf.constant(case.inputs)
    windows = SlidingWindows.of(inputs, -1, size, stride)
    occluded = np.concatenate(_occluded_inputs(case.inputs, windows, range(windows.count)))
    batches = [tf.constant(batch) for batch in np.array_split(occluded, -(-len(occluded) // case.default_batch))]
    ours()
    variants = {OURS: Variant(ours), **limits.forward_limits(case, batches)}
    return Comparison(variants, max_ratios.for_tf_occlusion(case.name, size), case.note)


def sampled_comparison(case: BenchmarkCase, size: int, stride: int) -> Comparison:
    """Prepare a comparison of one pass of ours, starting with the middle window, with bare passes of the same windows.

    The time of the full mask is extrapolated. It includes the cost that occurs once per mask: the clean input, and two windows
    that are computed both incrementally and in full.
    """
    adapter, batch = saliency.wrap(case.model), case.default_batch
    x = adapter.asarray(case.x)[None]
    windows = SlidingWindows.of(x, -1, size, stride)
    score = Score(adapter, Request(Target.of([case.classes[0]])), 1, BatchPlan(batch, Progress()))
    wide = replace(score, plan=BatchPlan(BATCH_FACTOR * batch, Progress()))

    def run_once_per_mask() -> None:
        score.values(x)
        occluded = adapter.occluded_outputs(x, tf.zeros_like(x), windows.sizes, score.request.target)
        for i in (windows.middle_index, windows.count - 1):
            wide.occluded_values(occluded, windows.corners(range(i, i + 1)))
            score.values(x)

    occluded = adapter.occluded_outputs(x, tf.zeros_like(x), windows.sizes, score.request.target)
    if occluded is None:  # on a GPU, for example: the method computes full passes
        return _wide_window_comparison(case, windows, size)
    some = range(windows.middle_index, min(windows.middle_index + BATCH_FACTOR * batch, windows.count))
    inputs = np.concatenate(_occluded_inputs(case.x[None], windows, some))
    run, factor = partial(wide.occluded_values, occluded, windows.corners(some)), windows.count / len(some)
    run()
    ours = Variant(run, f"{len(some)} of {windows.count} windows", factor, _time_once(run_once_per_mask))
    bare = limits.forward_limits(case, bare_passes.rebatch([inputs], batch))
    variants = {OURS: ours, **{name: replace(variant, factor=factor) for name, variant in bare.items()}}
    note = "; ".join(filter(None, (case.note, f"{len(some)} of {windows.count} windows timed")))
    return Comparison(variants, max_ratios.for_tf_occlusion(case.name, size), note)


def _wide_window_comparison(case: BenchmarkCase, windows: SlidingWindows, size: int) -> Comparison:
    """Prepare a comparison of wide windows, each of which is a full pass in every variant."""
    mask = saliency.Occlusion(case.model, case.classes[0])
    ours = partial(mask.GetMasks, case.inputs, size=WIDE_WINDOW, stride=WIDE_WINDOW)
    batches, factor = bare_passes.record_batches(ours), (windows.count + 1) / 17
    variants = {OURS: Variant(ours, format_batch_sizes(batches)), **limits.forward_limits(case, batches)}
    scaled = {name: replace(variant, factor=factor) for name, variant in variants.items()}
    note = "; ".join(filter(None, (case.note, f"16 of {windows.count} windows timed, no incremental way here")))
    return Comparison(scaled, max_ratios.for_tf_occlusion(case.name, size), note)


def _occluded_inputs(inputs: np.ndarray[Any, Any], windows: SlidingWindows, run: range) -> list[Any]:
    """Return the inputs (N, *input) with each of some windows filled with zeros, (N, *input) each."""
    occluded = [np.array(inputs) for _ in run]
    for one, corner in zip(occluded, windows.corners(run), strict=True):
        one[windows.slices(corner)] = 0.0
    return occluded


def _time_once(run: Callable[[], None]) -> float:
    """Return the seconds of one run, after a warm-up run."""
    run()
    start = limits.CLOCK()
    run()
    return limits.CLOCK() - start
