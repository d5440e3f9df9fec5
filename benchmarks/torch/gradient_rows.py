"""The rows of methods that take gradients of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import saliency
from benchmarks import bars
from benchmarks.peers.together import Others
from benchmarks.row import CAPTUM, LIMIT, OURS, PAIR, Row, Way, Work, in_short
from benchmarks.subjects import Subject
from benchmarks.torch import bare, captum_ways, gap, limits


def works(subject: Subject, peers: Others) -> Iterator[Work]:
    """Yield the works of a network."""
    yield Work("Vanilla", partial(vanilla, subject, peers))
    yield Work(f"SmoothGrad, {subject.samples} samples", partial(smoothgrad, subject, peers))
    yield Work(f"IntegratedGradients, {subject.steps} steps", partial(integrated, subject, peers))
    yield Work("GuidedBackprop", partial(guided, subject))
    if subject.batch == 1:
        yield Work("IntegratedGradients to a gap of 1 %", partial(gap.row, subject, peers))
        yield Work("Vanilla, 8 targets of one input", partial(targets, subject))


def vanilla(subject: Subject, peers: Others) -> Row:
    """Prepare the row of plain gradients."""
    ours = partial(saliency.Vanilla(subject.model, subject.classes[0]).GetMasks, subject.inputs)
    ways = {CAPTUM: Way(captum_ways.vanilla(subject)), **peers.ways({PAIR: "vanilla"})}
    return _row(
        subject, ours, ways, bars.passes(limits.bar(subject, min(subject.batch, limits.usual(subject)))) | bars.VANILLA
    )


def smoothgrad(subject: Subject, peers: Others) -> Row:
    """Prepare the row of gradients of noisy copies, squared and averaged."""
    mask = saliency.Vanilla(subject.model, subject.classes[0])
    ours = partial(mask.GetSmoothedMasks, subject.inputs, nsamples=subject.samples, seed=0)
    ways = captum_ways.ways(subject, captum_ways.smoothgrad, subject.samples)
    ways |= peers.ways({PAIR: "smoothgrad"}, "one at a time")
    return _row(subject, ours, ways, bars.passes(limits.bar(subject, limits.usual(subject))) | bars.MANY)


def integrated(subject: Subject, peers: Others) -> Row:
    """Prepare the row of gradients along a line, as many for each library."""
    mask = saliency.IntegratedGradients(subject.model, subject.classes[0])
    ours = partial(mask.GetMasks, subject.inputs, x_steps=subject.steps)
    ways = captum_ways.ways(subject, captum_ways.integrated, subject.steps)
    ways |= peers.ways({PAIR: "integrated"}, "20 at a time")
    return _row(subject, ours, ways, bars.passes(limits.bar(subject, limits.usual(subject))) | bars.MANY)


def guided(subject: Subject) -> Row:
    """Prepare the row of guided backpropagation."""
    ours = partial(saliency.GuidedBackprop(subject.model, subject.classes[0]).GetMasks, subject.inputs)
    return _row(subject, ours, {CAPTUM: Way(captum_ways.guided(subject))}, {})


def targets(subject: Subject) -> Row:
    """Prepare the row of several targets of one input; its limit repeats the input."""
    ours = partial(saliency.Vanilla(subject.model).GetMasks, [subject.x] * len(subject.classes), subject.classes)
    repeated = captum_ways.inputs(subject)[:1].repeat(len(subject.classes), 1, 1, 1)
    given = bare.cut([repeated], limits.usual(subject))
    limit = Way(partial(bare.gradients, subject.model, subject.classes[0], given), f"the input repeated, {in_short(given)}")
    ways = {OURS: Way(ours), LIMIT: limit, CAPTUM: Way(captum_ways.targets(subject))}
    return Row(ways, {LIMIT: bars.TARGETS}, subject.note)


def _row(subject: Subject, ours: Callable[[], object], ways: dict[str, Way], bar: dict[str, float]) -> Row:
    given = bare.batches(subject.model, ours)
    return Row({OURS: Way(ours, in_short(given)), **limits.of_gradients(subject, given), **ways}, bar, subject.note)
