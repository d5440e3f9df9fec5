"""Two ways of doing the same, timed in turn, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LEAST = 0.1
"""Seconds that a turn takes at least: what is quicker is run several times in it."""


@dataclass(frozen=True)
class Timing:
    """Times of one way.

    Args:
        seconds: median of its rounds, for one run.
        ratios: to the first way, round by round.
    """

    seconds: float
    ratios: tuple[float, ...]

    def __str__(self) -> str:
        low, middle, high = statistics.quantiles(self.ratios, n=4) if len(self.ratios) > 1 else self.ratios * 3
        return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def compare(
    ways: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Timing]:
    """Time every way once a round, in turn, and relate each to the first of its round.

    Args:
        ways: name -> what is timed; the first is the measure of the others.
        rounds: how many turns each takes, after runs that do not count.
        clock: seconds of the wall clock, or ``time.process_time``, the processor's of all threads.

    Returns:
        Name -> its median time and its ratios; printed, a ratio's median and quartiles.
    """
    names, measured = list(ways), {name: [] for name in ways}  # type: dict[str, list[float]]
    for way in ways.values():
        way()
    runs = max(1, round(LEAST / _seconds(ways[names[0]], 1, time.perf_counter)))
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            measured[name].append(_seconds(ways[name], runs, clock))
    first = measured[names[0]]
    return {
        name: Timing(statistics.median(taken), tuple(t / b for t, b in zip(taken, first, strict=True)))
        for name, taken in measured.items()
    }


def _seconds(way: Callable[[], object], runs: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(runs):
        way()
    return (clock() - start) / runs
