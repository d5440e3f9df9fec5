"""Compare the peak memory of few and many steps, samples and windows: it must not grow with them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.cases import BUNDLED, RESNET, SQUEEZENET, BenchmarkCase
from benchmarks.comparison import CAPTUM
from benchmarks.peak_memory import STATUS, measure_peak
from benchmarks.results import PeakMemory
from benchmarks.tasks import BLUR, INTEGRATED, OCCLUSION, SMOOTHGRAD, Task
from saliency import wrap
from saliency.core.mask_runner import default_batch_size

BATCH_COUNTS = (2, 40)
"""Numbers of batches of steps or samples, each of the library's default size, so that all passes are equally large."""

STRIDES = (12, 4)
"""Strides of Occlusion's windows of 16 pixels, halved on small images so that the few windows fill a pass too. Both strides
place windows at all offsets to the layers' grids: windows that are aligned with a pooling layer change less of its output."""

SMALL_IMAGE = 112
"""Size of an image in pixels up to which strides are halved."""
UNITS = {INTEGRATED: "steps", BLUR: "steps", SMOOTHGRAD: "samples", OCCLUSION: "pixels' stride"}


def compare_peaks(options: argparse.Namespace, cases: Sequence[BenchmarkCase]) -> Iterator[PeakMemory]:
    """Yield the selected measurements of peak memory; none if the system does not report it."""
    for network in (BUNDLED, SQUEEZENET, RESNET) if STATUS.exists() else ():
        if options.framework == "tf" and network == RESNET:
            continue  # skipped: takes several minutes and behaves like the other networks
        of_network = [case for case in cases if case.name == network]
        for work in UNITS:
            if options.framework == "tf" and network == SQUEEZENET and work == OCCLUSION:
                continue  # 2809 full passes
            if of_network and re.search(options.only, f"{network} x 1, {work}, memory", re.IGNORECASE):
                yield _compare_peak(options, of_network[-1 if network == RESNET else 0], work)


def _compare_peak(options: argparse.Namespace, case: BenchmarkCase, work: str) -> PeakMemory:
    batch = default_batch_size(case.x, wrap(case.model))
    strides = [stride // 2 if max(case.x.shape) <= SMALL_IMAGE else stride for stride in STRIDES]
    few, many = strides if work == OCCLUSION else (count * batch for count in BATCH_COUNTS)
    file = str(options.squeezenet) if options.squeezenet else None
    task = Task(options.framework, case.name, work, few, squeezenet=file, small_resnet=case.name == RESNET)
    ours = measure_peak(task), measure_peak(replace(task, amount=many))
    network = case.name if case.name != RESNET else f"{case.name}, {case.x.shape[1]} pixels"
    amounts = str(few), f"{many} {UNITS[work]}"
    if options.framework == "tf" or work in (SMOOTHGRAD, BLUR):
        return PeakMemory(network, work, amounts, ours)
    theirs = replace(task, library=CAPTUM, batch_size=_fastest_captum_batch(replace(case, batch=1), work))
    captum = measure_peak(theirs), measure_peak(replace(theirs, amount=many))
    return PeakMemory(network, work, amounts, ours, captum, f"{theirs.batch_size or 'all'} at a time")


def _fastest_captum_batch(case: BenchmarkCase, work: str) -> int | None:
    """Return Captum's fastest batch size; for Occlusion, measured on windows of a quarter of the image."""
    from benchmarks.torch import captum_variants

    if work == OCCLUSION:
        wide = case.x.shape[1] // 4
        return captum_variants.fastest_window_batch(case, wide, wide)
    return captum_variants.fastest_batch(case, captum_variants.integrated_gradients, 50)
