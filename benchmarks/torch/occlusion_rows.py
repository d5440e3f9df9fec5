"""The rows of Occlusion: whole masks of the embedded network, samples of the windows of the larger ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch

import saliency
from benchmarks import bars
from benchmarks.row import CAPTUM, OURS, Row, Way, Work
from benchmarks.subjects import EMBEDDED, Subject
from benchmarks.torch import bare, captum_ways, limits
from saliency.core.batching import BatchPlan
from saliency.core.methods.incremental_occlusion import BATCH_FACTOR
from saliency.core.numerics.sliding_windows import SlidingWindows
from saliency.core.progress import Progress
from saliency.core.request import Request
from saliency.core.score import Score
from saliency.core.target import Target

WIDE = 56
"""Of the windows that Captum is timed with on 224 pixels, 16 of them and the clean input: each takes it a whole pass."""


def works(subject: Subject) -> Iterator[Work]:
    """Yield the works of a network."""
    for size, stride in subject.windows:
        prepare = whole if subject.name == EMBEDDED else sampled
        yield Work(f"Occlusion, {size}/{stride}", partial(prepare, subject, size, stride))


def whole(subject: Subject, size: int, stride: int) -> Row:
    """Prepare a row whose ways compute the mask."""
    mask = saliency.Occlusion(subject.model, subject.classes[0])
    ours = partial(mask.GetMasks, subject.inputs, size=size, stride=stride)
    given = _covered(subject, size, stride).split(limits.usual(subject))
    many = captum_ways.windows_at_a_time(subject, size, stride)
    captum = Way(partial(captum_ways.occlusion, subject, size, stride, many), f"{many} at a time")
    ways = {OURS: Way(ours), **limits.of_forwards(subject, given), CAPTUM: captum}
    return Row(ways, bars.occlusion(subject.name, size), subject.note)


def _covered(subject: Subject, size: int, stride: int) -> torch.Tensor:
    x = captum_ways.inputs(subject)
    windows = SlidingWindows.of(x, 0, size, stride)
    inside = _inside(windows, range(windows.count))
    return torch.where(inside.to(x.device), 0.0, x[None]).flatten(0, 1)


def _inside(windows: SlidingWindows, run: range) -> torch.Tensor:
    """Return where windows cover the inputs, (windows, 1, *input)."""
    return torch.from_numpy(np.prod(np.broadcast_arrays(*windows.coverage(run)), axis=0) > 0)


def sampled(subject: Subject, size: int, stride: int) -> Row:
    """Prepare a row of which one pass of ours is timed, from the picture's middle on, and bare passes of the same windows.

    The whole mask is reckoned from it, with what a mask takes once: the clean input, and two windows computed both ways.
    """
    x, usual = captum_ways.inputs(subject), limits.usual(subject)
    adapter, windows = saliency.wrap(subject.model), SlidingWindows.of(x, 0, size, stride)
    score = Score(adapter, Request(Target.of([subject.classes[0]])), 1, BatchPlan(usual, Progress()))
    wide = replace(score, plan=BatchPlan(BATCH_FACTOR * usual, Progress()))

    def once() -> None:
        score.values(x)
        covered = adapter.occluded_outputs(x, torch.zeros_like(x), windows.sizes, score.request.target)
        for i in (windows.middle_index, windows.count - 1):
            wide.occluded_values(covered, windows.corners(range(i, i + 1)))
            score.values(x)

    covered = adapter.occluded_outputs(x, torch.zeros_like(x), windows.sizes, score.request.target)
    if covered is None:  # as on a GPU: the method computes every picture whole
        return _plain(subject, windows, size)
    some = range(windows.middle_index, min(windows.middle_index + BATCH_FACTOR * usual, windows.count))
    inputs = torch.where(_inside(windows, some)[:, 0].to(x.device), 0.0, x)
    changes, times = partial(wide.occluded_values, covered, windows.corners(some)), windows.count / len(some)
    ours = Way(changes, f"{len(some)} of {windows.count} windows", times, _seconds(once))
    bared = limits.of_forwards(subject, inputs.split(usual))
    ways = {OURS: ours, **{name: replace(way, times=times) for name, way in bared.items()}, CAPTUM: _captum(subject, windows)}
    note = "; ".join(filter(None, (subject.note, f"{len(some)} of {windows.count} windows timed")))
    return Row(ways, bars.occlusion(subject.name, size), note)


def _plain(subject: Subject, windows: SlidingWindows, size: int) -> Row:
    """Prepare the row from wide windows, of which every one takes a whole pass in each way."""
    mask = saliency.Occlusion(subject.model, subject.classes[0])
    ours = Way(partial(mask.GetMask, subject.x, size=WIDE, stride=WIDE))
    captum, given = _captum(subject, windows), bare.batches(subject.model, ours.run)
    ways = {OURS: ours, **limits.of_forwards(subject, given)}
    scaled = {name: replace(way, times=captum.times) for name, way in ways.items()}
    note = "; ".join(filter(None, (subject.note, f"16 of {windows.count} windows timed, no incremental way here")))
    return Row(scaled | {CAPTUM: captum}, bars.occlusion(subject.name, size), note)


def _captum(subject: Subject, windows: SlidingWindows) -> Way:
    many = captum_ways.windows_at_a_time(subject, WIDE, WIDE)
    run = partial(captum_ways.occlusion, subject, WIDE, WIDE, many)
    return Way(run, f"{many} at a time, timed on 16 windows of {WIDE} pixels", (windows.count + 1) / 17)


def _seconds(run: Callable[[], None]) -> float:
    """Return the seconds that something takes, by the clock of the comparison, after a run that does not count."""
    run()
    start = limits.CLOCK()
    run()
    return limits.CLOCK() - start
