"""Integrated Gradients to a completeness gap of 1 %: each library with as few steps as it needs."""

from __future__ import annotations

from functools import partial

import torch
from captum import attr

import saliency
from benchmarks import bars
from benchmarks.peers.together import Others
from benchmarks.row import CAPTUM, OURS, PAIR, Row, Way
from benchmarks.subjects import Subject
from benchmarks.torch import captum_ways

TOLERANCE = 0.01


def change(subject: Subject) -> float:
    """Return the score's change from zeros to the input."""
    x = captum_ways.inputs(subject)[:1]
    with torch.inference_mode():
        scores = subject.model(torch.cat([x, torch.zeros_like(x)]))[:, subject.classes[0]]
    return float(scores[0] - scores[1])


def row(subject: Subject, peers: Others) -> Row:
    """Prepare the row: find the steps that Captum needs, doubled from 8."""
    ours = partial(saliency.IntegratedGradients(subject.model, subject.classes[0]).GetMask, subject.x, tolerance=TOLERANCE)
    points = int(partial(ours, details=True)().details["points"])
    at_a_time = captum_ways.best(subject, captum_ways.integrated, subject.steps)
    steps, gap = _steps(subject, at_a_time)
    words = f"{steps} steps" + (f", gap still {gap:.1%}" if gap > TOLERANCE else "")
    captum = Way(partial(captum_ways.integrated, subject, at_a_time, steps), words)
    ways = {OURS: Way(ours, f"{points} points"), CAPTUM: captum, **peers.ways({PAIR: "gap"})}
    return Row(ways, bars.GAP, subject.note)


def _steps(subject: Subject, at_a_time: int | None) -> tuple[int, float]:
    """Return the steps, and the gap that is left."""
    steps, whole, size = 4, change(subject), at_a_time or captum_ways.usual(subject)
    while True:
        steps *= 2
        mask = attr.IntegratedGradients(subject.model).attribute(
            captum_ways.inputs(subject), target=subject.classes[0], n_steps=steps, internal_batch_size=size
        )
        gap = abs(float(mask.sum()) / whole - 1)
        if gap <= TOLERANCE or 2 * steps > subject.most:
            return steps, gap
