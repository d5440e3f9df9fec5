"""The rows of the table: a method, and the bare passes that it is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

import saliency
from benchmarks.subjects import Subject
from benchmarks.table import Row, in_short
from benchmarks.torch import bare
from saliency.core.run import usual_size


def remarks(_: Sequence[Subject]) -> Iterator[str]:
    """Yield what should stand above the table."""
    yield f"Torch {torch.__version__}, {torch.get_num_threads()} threads."


def rows(subject: Subject) -> Iterator[Row]:
    """Yield the rows of a network, in its usual batches where a row does not say otherwise."""
    model, x, y = subject.model, subject.x, subject.classes[0]

    def to_gradients(name: str, ours: Callable[[], object], bar: float | None = None) -> Row:
        given = bare.batches(model, ours)
        return Row(name, f"{in_short(given)} bare gradients", ours, partial(bare.gradients, model, y, given), bar)

    def to_forwards(name: str, ours: Callable[[], object], bar: float) -> Row:
        given = bare.batches(model, ours)
        return Row(name, f"{in_short(given)} bare forwards", ours, partial(bare.forwards, model, given), bar)

    vanilla = saliency.Vanilla(model, y)
    yield to_gradients("Vanilla", partial(vanilla.GetMask, x))
    yield to_gradients("GuidedBackprop", partial(saliency.GuidedBackprop(model, y).GetMask, x))

    smoothgrad = to_gradients("SmoothGrad, 25 samples", partial(vanilla.GetSmoothedMask, x, nsamples=25, seed=0), 1.05)
    sizes = [len(batch) for batch in bare.batches(model, smoothgrad.ours)]
    by_hand = partial(bare.smoothgrad, model, y, torch.from_numpy(x), sizes)
    yield smoothgrad
    yield Row("the same, written by hand", smoothgrad.passes, by_hand, smoothgrad.bare)

    integrated = partial(saliency.IntegratedGradients(model, y).GetMask, x, x_steps=50)
    yield to_gradients("IntegratedGradients, 50 steps", integrated, 1.05)
    occlusion = partial(saliency.Occlusion(model, y).GetMask, x, size=subject.window, stride=subject.stride)
    yield to_forwards(f"Occlusion, {subject.window}/{subject.stride}", occlusion, 1.05)
    for n in subject.together:
        cam = saliency.GradCAM(model, y, batch_size=n)
        yield to_forwards(f"GradCAM, {n} at once", partial(cam.GetMasks, [x.copy() for _ in range(n)]), 1.10)

    targets = partial(vanilla.GetMasks, [x] * 8, subject.classes)  # one forward pass; the bare way repeats the image
    repeated = torch.from_numpy(x).repeat(8, 1, 1, 1).chunk(-(-8 // usual_size(x, vanilla.adapter)))
    yield Row(
        "Vanilla, 8 targets", f"{in_short(repeated)} bare gradients", targets, partial(bare.gradients, model, y, repeated), 1.0
    )
