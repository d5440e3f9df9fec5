"""Evaluate samples in batches that fit into memory."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from saliency.core.errors import MemoryShortage
from saliency.core.interrupts import deliver_interrupts
from saliency.core.progress import Progress
from saliency.core.types import Array

TARGETS_OF_ONE_INPUT = 4
"""Targets of one input that may share a pass, for each sample of a batch of the default size: they share the forward pass.

What a pass keeps for its backward pass is that of one input. Only the gradients of the layer in turn are kept for each target.
"""


@dataclass
class BatchPlan:
    """The batch size and the progress of a run.

    Args:
        size: largest number of samples in one pass; it is halved when a batch does not fit into memory.
        progress: counts the evaluations.
        checks_independence: notice samples that influence each other, see ``batch_independence``.
        observed_scores: the scores of all passes so far, on the device. They are checked once, after the last pass.
        independence: what was found in this run about the independence of samples.
        even: whether ``chunks`` are of even size; a small last batch would cost almost a full pass.
        targets: largest number of targets of one input in one pass, as a multiple of ``size``.
    """

    size: int
    progress: Progress
    checks_independence: bool = True
    observed_scores: list[Array] = field(default_factory=list)
    independence: dict[Hashable, bool] = field(default_factory=dict)
    even: bool = True
    targets: int = 1

    @property
    def most_targets(self) -> int:
        """Return the largest number of targets of one input in one pass."""
        return self.targets * self.size

    def restart_one_at_a_time(self) -> None:
        """Evaluate one sample at a time from now on; what the unfinished batch observed does not count."""
        self.size, self.targets, self.observed_scores = 1, 1, []

    def chunks(self, points: int, n: int) -> Iterator[range]:
        """Split ``points`` copies of n samples into chunks of at most ``size`` samples, which may decrease meanwhile."""
        start = 0
        while start < points:
            most = max(1, self.size // n)
            chunks_left = -(-(points - start) // most)
            stop = start + (points - start) // chunks_left if self.even else min(points, start + most)
            yield range(start, stop)
            start = stop

    def evaluate(self, call: Callable[[slice, int], tuple[Array, ...]], n: int, per_input: int, xp: Any) -> tuple[Array, ...]:
        """Evaluate n samples, at most ``size`` at a time; halve a batch that does not fit into memory.

        The samples of one input may be up to ``most_targets``, until a batch does not fit.

        Args:
            call: receives a slice of samples, and the number of consecutive samples that share an input; returns arrays with
                one row for each sample.
            n: number of samples.
            per_input: number of consecutive samples that share an input.
            xp: namespace of the arrays.

        Returns:
            The arrays of all samples.

        Raises:
            MemoryShortage: if a single sample does not fit.
        """
        results: list[tuple[Array, ...]] = []
        start = 0
        while start < n:
            deliver_interrupts()
            shared = per_input if per_input <= self.most_targets else 1
            stop = min(n, start + max(1, self.size // shared) * shared)
            try:
                results.append(call(slice(start, stop), shared))
            except MemoryShortage:
                if stop - start == 1:
                    raise
                self.size, self.targets = min(self.size, (stop - start) // 2), 1
            else:
                self.progress.advance(stop - start)
                start = stop
        return results[0] if len(results) == 1 else tuple(xp.concatenate(parts) for parts in zip(*results, strict=True))
