"""The clock of a comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Tells seconds: of the wall clock, or of the processor's work for all threads.

    Args:
        processor: count the processor's work, of this process and of the others.
        settle: waits until the device has done what it was given; called before the clock is read.
        others: each tells the processor's seconds of another process that works for us.
    """

    processor: bool = False
    settle: Callable[[], object] = lambda: None
    others: list[Callable[[], float]] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the seconds so far."""
        self.settle()
        if not self.processor:
            return time.perf_counter()
        return time.process_time() + sum(other() for other in self.others)
