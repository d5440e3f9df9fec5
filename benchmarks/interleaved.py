"""Two ways of doing the same, timed in turn, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Times of one way.

    Args:
        seconds: median of its rounds.
        ratios: to the first way, round by round.
    """

    seconds: float
    ratios: tuple[float, ...]

    def __str__(self) -> str:
        low, middle, high = statistics.quantiles(self.ratios, n=4) if len(self.ratios) > 1 else self.ratios * 3
        return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def compare(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time every way once a round, in turn, and relate each to the first of its round.

    Args:
        ways: name -> what is timed; the first is the measure of the others.
        rounds: how many times each is run, after one run that does not count.

    Returns:
        Name -> its median time and its ratios; printed, a ratio's median and quartiles.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for way in ways.values():
        way()
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = time.perf_counter()
            ways[name]()
            times[name].append(time.perf_counter() - start)
    first = times[names[0]]
    return {
        name: Timing(statistics.median(taken), tuple(t / b for t, b in zip(taken, first, strict=True)))
        for name, taken in times.items()
    }
