"""A clock for wall time or processor time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Measure wall time, or processor time of all threads.

    Args:
        processor: measure processor time, of this process and of other processes.
        synchronize: waits for the device; called before the clock is read.
        other_processes: functions that return the processor time of another process, in seconds.
    """

    processor: bool = False
    synchronize: Callable[[], object] = lambda: None
    other_processes: list[Callable[[], float]] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the current time in seconds."""
        self.synchronize()
        if not self.processor:
            return time.perf_counter()
        return time.process_time() + sum(other() for other in self.other_processes)
