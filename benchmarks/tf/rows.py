"""All works of a network, in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

import saliency
from benchmarks import bars
from benchmarks.peers.together import Others, others
from benchmarks.row import KERAS_VIS, LIMIT, OURS, PAIR, PAIR_GRAPH, Row, Way, Work, in_short
from benchmarks.subjects import EMBEDDED, Subject
from benchmarks.tf import bare, limits

CLOCK = limits.CLOCK
WIDE = 56
"""Of the windows that a larger network is timed with, 16 of them and the clean input: each takes a whole pass."""


@contextmanager
def works(subject: Subject) -> Iterator[Iterator[Work]]:
    """Give the works; other libraries' processes end with the ``with`` block."""
    both = np.asarray(subject.model(np.stack([subject.x, np.zeros_like(subject.x)]), training=False))[:, subject.classes[0]]
    with others("tf", subject, float(both[0] - both[1]), partial(save, subject), CLOCK) as peers:
        yield _works(subject, peers)


def save(subject: Subject, folder: Path) -> None:
    """Write the model down."""
    subject.model.save(folder / "model.keras")


def _works(subject: Subject, peers: Others) -> Iterator[Work]:
    model, x, y = subject.model, subject.inputs, subject.classes[0]
    vanilla, integrated = saliency.Vanilla(model, y), saliency.IntegratedGradients(model, y)
    gradients = partial(_gradients, subject, peers)
    samples, steps = {"nsamples": subject.samples, "seed": 0}, {"x_steps": subject.steps}
    yield Work("Vanilla", partial(gradients, partial(vanilla.GetMasks, x), "vanilla", bars.passes(bars.PASSES)))
    names = f"SmoothGrad, {subject.samples} samples", f"IntegratedGradients, {subject.steps} steps"
    many = bars.passes(bars.PASSES) | bars.OTHERS
    yield Work(names[0], partial(gradients, partial(vanilla.GetSmoothedMasks, x, **samples), "smoothgrad", many))
    yield Work(names[1], partial(gradients, partial(integrated.GetMasks, x, **steps), "integrated", many))
    yield Work("GuidedBackprop", partial(gradients, partial(saliency.GuidedBackprop(model, y).GetMasks, x), "", {}))
    if subject.batch == 1:
        yield Work("IntegratedGradients to a gap of 1 %", partial(_to_gap, subject, peers))
        yield Work("Vanilla, 8 targets of one input", partial(_targets, subject))
    yield Work("GradCAM", partial(_grad_cam, subject, peers))
    yield Work("GuidedGradCAM", partial(_guided_grad_cam, subject))
    for size, stride in subject.windows:
        yield Work(f"Occlusion, {size}/{stride}", partial(_occlusion, subject, size, stride))


def _gradients(subject: Subject, peers: Others, ours: Callable[[], object], name: str, bar: dict[str, float]) -> Row:
    given = bare.batches(ours)
    columns = {PAIR: f"pair {name}", PAIR_GRAPH: f"pair-graph {name}"} if name else {}
    if name in ("vanilla", "smoothgrad"):
        columns = {KERAS_VIS: f"keras-vis {name}"} | columns
    ways = {OURS: Way(ours, in_short(given)), **limits.of_gradients(subject, given), **peers.ways(columns)}
    return Row(ways, bar, subject.note)


def _to_gap(subject: Subject, peers: Others) -> Row:
    ours = partial(saliency.IntegratedGradients(subject.model, subject.classes[0]).GetMask, subject.x, tolerance=0.01)
    points = int(ours().details["points"])
    return Row(
        {OURS: Way(ours, f"{points} points"), **peers.ways({PAIR: "pair gap", PAIR_GRAPH: "pair-graph gap"})},
        bars.GAP,
        subject.note,
    )


def _targets(subject: Subject) -> Row:
    ours = partial(saliency.Vanilla(subject.model).GetMasks, [subject.x] * len(subject.classes), subject.classes)
    given = bare.cut([tf.constant(subject.x)[None]] * len(subject.classes), limits.usual(subject))
    limit = Way(partial(limits.passes(subject).gradients, given), f"the input repeated, {in_short(given)}")
    return Row(_traced({OURS: Way(ours), LIMIT: limit}), {LIMIT: bars.TARGETS}, subject.note)


def _grad_cam(subject: Subject, peers: Others) -> Row:
    ours = partial(saliency.GradCAM(subject.model, subject.classes[0]).GetMasks, subject.inputs)
    given = bare.batches(ours)
    theirs = peers.ways({KERAS_VIS: "keras-vis gradcam"})
    return Row({OURS: Way(ours, in_short(given)), **limits.of_forwards(subject, given), **theirs}, bars.GRADCAM, subject.note)


def _guided_grad_cam(subject: Subject) -> Row:
    ours = partial(saliency.GuidedGradCAM(subject.model, subject.classes[0]).GetMasks, subject.inputs)
    given = bare.cut([tf.constant(subject.inputs)], limits.usual(subject))
    limit = Way(partial(limits.passes(subject).gradients, given), in_short(given))
    return Row(_traced({OURS: Way(ours), LIMIT: limit}), bars.GUIDED_GRADCAM, subject.note)


def _traced(ways: dict[str, Way]) -> dict[str, Way]:
    """Run each once: the first call of a ``tf.function`` traces it, and a long first round counts."""
    for way in ways.values():
        way.run()
    return ways


def _occlusion(subject: Subject, size: int, stride: int) -> Row:
    """Prepare the row: the whole mask, or wide windows, every one of which takes a whole pass as well."""
    mask = saliency.Occlusion(subject.model, subject.classes[0])
    if subject.name == EMBEDDED:
        ours = partial(mask.GetMasks, subject.inputs, size=size, stride=stride)
        times, note = 1.0, subject.note
    else:
        ours = partial(mask.GetMasks, subject.inputs, size=WIDE, stride=WIDE)
        windows = (-(-(subject.x.shape[0] - size) // stride) + 1) ** 2
        times = (windows + 1) / 17
        note = "; ".join(filter(None, (subject.note, f"16 of {windows} windows timed")))
    given = bare.batches(ours)
    ways = {OURS: Way(ours, in_short(given)), **limits.of_forwards(subject, given)}
    return Row({name: replace(way, times=times) for name, way in ways.items()}, {}, note)
