"""Peak memory of few steps, samples and windows, and of many: it must not grow with them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.peak import STATUS, peak
from benchmarks.results import Peak
from benchmarks.row import CAPTUM
from benchmarks.subjects import EMBEDDED, RESNET, SQUEEZENET, Subject
from benchmarks.tasks import INTEGRATED, OCCLUSION, SMOOTHGRAD, Task
from saliency import wrap
from saliency.core.runner import default_batch_size

BATCHES = (2, 40)
"""Of steps or samples, each as large as the library's usual ones, so that every pass has as many as any other."""

STRIDES = (12, 4)
"""Of Occlusion's windows of 16 pixels; half of them on small pictures, that the few fill a pass as well. Both stand on the
layers' grids in every way: windows that all begin where a pooling's do change less of what follows."""

SMALL = 112
"""Pixels."""
UNITS = {INTEGRATED: "steps", SMOOTHGRAD: "samples", OCCLUSION: "pixels' stride"}


def peaks(options: argparse.Namespace, found: Sequence[Subject]) -> Iterator[Peak]:
    """Yield the rows of memory that are wanted; none where the system does not tell it."""
    for network in (EMBEDDED, SQUEEZENET, RESNET) if STATUS.exists() else ():
        if options.framework == "tf" and network == RESNET:
            continue  # several minutes more, for a network whose arrays are those of the others
        of_it = [subject for subject in found if subject.name == network]
        for work in UNITS:
            if options.framework == "tf" and network == SQUEEZENET and work == OCCLUSION:
                continue  # 2809 whole passes
            if re.search(options.only, f"{network} x 1, {work}, memory", re.IGNORECASE):
                yield _row(options, of_it[-1 if network == RESNET else 0], work)


def _row(options: argparse.Namespace, subject: Subject, work: str) -> Peak:
    usual = default_batch_size(subject.x, wrap(subject.model))
    strides = [stride // 2 if max(subject.x.shape) <= SMALL else stride for stride in STRIDES]
    few, many = strides if work == OCCLUSION else (times * usual for times in BATCHES)
    file = str(options.squeezenet) if options.squeezenet else None
    task = Task(options.framework, subject.name, work, few, squeezenet=file, last=subject.name == RESNET)
    ours = peak(task), peak(replace(task, amount=many))
    network = subject.name if subject.name != RESNET else f"{subject.name}, {subject.x.shape[1]} pixels"
    amounts = str(few), f"{many} {UNITS[work]}"
    if options.framework == "tf" or work == SMOOTHGRAD:
        return Peak(network, work, amounts, ours)
    theirs = replace(task, library=CAPTUM, at_a_time=_best(replace(subject, batch=1), work))
    captum = peak(theirs), peak(replace(theirs, amount=many))
    return Peak(network, work, amounts, ours, captum, f"{theirs.at_a_time or 'all'} at a time")


def _best(subject: Subject, work: str) -> int | None:
    """Return Captum's fastest batches; of Occlusion, on windows of a quarter of the picture."""
    from benchmarks.torch import captum_ways

    if work == OCCLUSION:
        wide = subject.x.shape[1] // 4
        return captum_ways.windows_at_a_time(subject, wide, wide)
    return captum_ways.best(subject, captum_ways.integrated, 50)
