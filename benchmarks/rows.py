"""The rows of the table: a method, and the bare passes that it is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import saliency
from benchmarks import bare
from benchmarks.subjects import Subject
from saliency.core.run import usual_size


@dataclass(frozen=True)
class Row:
    """A ratio to be measured.

    Args:
        name: of the method, with what matters of its options.
        passes: the bare passes, in words.
        ours: what is timed.
        bare: what it is held against.
        bar: the ratio should not exceed it; None where there is none.
    """

    name: str
    passes: str
    ours: Callable[[], object]
    bare: Callable[[], object]
    bar: float | None = None


def rows(subject: Subject) -> Iterator[Row]:
    """Yield the rows of a network, in its usual batches where a row does not say otherwise."""
    model, x, y, size = subject.model, subject.x, subject.classes[0], usual_size(subject.x)

    def against_gradients(name: str, points: int, ours: Callable[[], object], bar: float | None = None) -> Row:
        sizes = bare.even(points, size)
        return Row(name, f"{_spelled(sizes)} bare gradients", ours, partial(bare.gradients, subject, sizes), bar)

    def against_forwards(name: str, sizes: list[int], ours: Callable[[], object], bar: float | None = None) -> Row:
        return Row(name, f"{_spelled(sizes)} bare forwards", ours, partial(bare.forwards, subject, sizes), bar)

    vanilla, guided = saliency.Vanilla(model, y), saliency.GuidedBackprop(model, y)
    integrated, occlusion = saliency.IntegratedGradients(model, y), saliency.Occlusion(model, y)

    yield against_gradients("Vanilla", 1, partial(vanilla.GetMask, x))
    yield against_gradients("GuidedBackprop", 1, partial(guided.GetMask, x))
    yield against_gradients("SmoothGrad, 25 samples", 25, partial(vanilla.GetSmoothedMask, x, nsamples=25, seed=0), 1.05)
    yield against_gradients("the same, written by hand", 25, partial(bare.smoothgrad, subject, bare.even(25, size)))
    yield against_gradients("IntegratedGradients, 50 steps", 50, partial(integrated.GetMask, x, x_steps=50), 1.05)

    windows = len(range(0, x.shape[-1] - subject.window, subject.stride)) + 1  # the last stands at the border
    sizes = [1, *bare.even(windows**2, size)]
    options = {"size": subject.window, "stride": subject.stride}
    name = f"Occlusion, {subject.window}/{subject.stride}"
    yield against_forwards(name, sizes, partial(occlusion.GetMask, x, **options), 1.05)

    for n in subject.together:
        cam = saliency.GradCAM(model, y, batch_size=n)
        yield against_forwards(f"GradCAM, {n} at once", [n], partial(cam.GetMasks, [x.copy() for _ in range(n)]), 1.10)

    # The bare way repeats the image for its targets; ours runs forward once.
    yield against_gradients("Vanilla, 8 targets", 8, partial(vanilla.GetMasks, [x] * 8, subject.classes), 1.0)


def _spelled(sizes: list[int]) -> str:
    """Write batches down in short: ``13+12``, ``1+13x14``."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and runs[-1][0] == size:
            runs[-1][1] += 1
        else:
            runs.append([size, 1])
    return "+".join(str(size) if times == 1 else f"{times}x{size}" for size, times in runs)
