"""Evaluations in batches that fit into memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from saliency.core.errors import MemoryShortage
from saliency.core.progress import Progress
from saliency.core.types import Array


@dataclass
class BatchPlan:
    """How many samples go through a model at a time, and how far a run has come.

    Args:
        size: samples in one pass at most; halved where they do not fit into memory.
        progress: is told of every evaluation.
        observed_scores: the scores of every evaluation so far, on the device: they are looked at once, after the last.
    """

    size: int
    progress: Progress
    observed_scores: list[Array] = field(default_factory=list)

    def chunks(self, points: int, n: int) -> Iterator[range]:
        """Cut ``points`` copies of n samples into even runs that hold at most ``size`` samples each, as that is by then."""
        done = 0
        while done < points:
            left = -(-(points - done) // max(1, self.size // n))
            end = done + (points - done) // left
            yield range(done, end)
            done = end

    def evaluate(self, call: Callable[[slice, int], tuple[Array, ...]], n: int, per_input: int, xp: Any) -> tuple[Array, ...]:
        """Evaluate n samples, at most ``size`` at a time; what does not fit into memory is evaluated in halves.

        Args:
            call: from a range of samples, and how many of them in a row share an input, to arrays with a row a sample.
            n: number of samples.
            per_input: how many samples in a row share an input.
            xp: namespace of the arrays.

        Returns:
            The arrays of all samples.

        Raises:
            MemoryShortage: if one sample alone does not fit.
        """
        done: list[tuple[Array, ...]] = []
        start = 0
        while start < n:
            each = per_input if per_input <= self.size else 1
            stop = min(n, start + max(1, self.size // each) * each)
            try:
                done.append(call(slice(start, stop), each))
            except MemoryShortage:
                if stop - start == 1:
                    raise
                self.size = (stop - start) // 2
            else:
                self.progress.tick(stop - start)
                start = stop
        return done[0] if len(done) == 1 else tuple(xp.concatenate(parts) for parts in zip(*done, strict=True))
