"""The rows of the table: a method, and the bare passes that it is held against, in the batches that suit these best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

import keras
import tensorflow as tf

import saliency
from benchmarks.interleaved import compare
from benchmarks.subjects import Subject
from benchmarks.table import Row, in_short
from benchmarks.tf import bare

SIZES = (4, 8, 13, 25)
"""Batches that are tried for the bare gradients, beside the one that a method takes by itself."""

ROUNDS = 5


def remarks(subjects: Sequence[Subject]) -> Iterator[str]:
    """Yield what should stand above the table: also the batches, which are found for it."""
    yield f"TensorFlow {tf.__version__}, Keras {keras.__version__}."
    for subject in subjects:
        found = per_sample(subject)
        listed = ", ".join(f"{1000 * seconds:.2f} ms at {size}" for size, seconds in found.items())
        yield f"{subject.name}: a sample's bare gradient takes {listed}; all are held against {best(subject)} at a time."


@cache
def per_sample(subject: Subject) -> dict[int, float]:
    """Return size of a batch -> seconds of a sample's bare gradient in it, for SmoothGrad's 25 inputs."""
    given = bare.batches(_smoothgrad(subject))
    passes = bare.Passes(subject.model, subject.classes[0])
    tried = {size: bare.cut(given, size) for size in sorted({*SIZES, len(given[0])})}
    timed = compare({str(size): partial(passes.gradients, same) for size, same in tried.items()}, ROUNDS)
    return {size: timed[str(size)].seconds / 25 for size in tried}


def best(subject: Subject) -> int:
    """Return the size of a batch that bare gradients are fastest in."""
    found = per_sample(subject)
    return min(found, key=found.__getitem__)


def _smoothgrad(subject: Subject) -> Callable[[], object]:
    vanilla = saliency.Vanilla(subject.model, subject.classes[0])
    return partial(vanilla.GetSmoothedMask, subject.x, nsamples=25, seed=0)


def rows(subject: Subject) -> Iterator[Row]:
    """Yield the rows of a network."""
    model, x, y = subject.model, subject.x, subject.classes[0]
    passes, size = bare.Passes(model, y), best(subject)

    def to_gradients(name: str, ours: Callable[[], object], bar: float | None = None) -> Row:
        given = bare.batches(ours)
        same = bare.cut(given, size)
        words = f"{in_short(same)} bare gradients; ours {in_short(given)}"
        return Row(name, words, ours, partial(passes.gradients, same), bar)

    vanilla, guided = saliency.Vanilla(model, y), saliency.GuidedBackprop(model, y)
    integrated = saliency.IntegratedGradients(model, y)
    yield to_gradients("Vanilla", partial(vanilla.GetMask, x))
    yield to_gradients("GuidedBackprop", partial(guided.GetMask, x))
    yield to_gradients("SmoothGrad, 25 samples", _smoothgrad(subject), 1.05)
    yield to_gradients("IntegratedGradients, 50 steps", partial(integrated.GetMask, x, x_steps=50), 1.05)
    for n in subject.together:
        cam = partial(saliency.GradCAM(model, y, batch_size=n).GetMasks, [x.copy() for _ in range(n)])
        given = bare.batches(cam)
        yield Row(f"GradCAM, {n} at once", f"{in_short(given)} bare forwards", cam, partial(passes.forwards, given), 1.10)

    targets = partial(vanilla.GetMasks, [x] * 8, subject.classes)  # one forward pass; the bare way repeats the image
    repeated = bare.cut([tf.constant(x)[None]] * 8, size)
    words = f"{in_short(repeated)} bare gradients"
    yield Row("Vanilla, 8 targets", words, targets, partial(passes.gradients, repeated), 1.0)
