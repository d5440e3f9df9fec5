"""Several ways of doing the same, timed in turn, so that a busy machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

Run: TypeAlias = Callable[[], object]
Key = TypeVar("Key")

LEAST_SECONDS = 0.1
"""Seconds that a turn takes at least: what is quicker is run several times in it."""

LEAST_ROUNDS = 3


def compare(
    ways: Mapping[Key, Run],
    clock: Callable[[], float] = time.perf_counter,
    rounds: int = LEAST_ROUNDS,
    seconds: float = float("inf"),
) -> dict[Key, list[float]]:
    """Time every way once a round, in turn, after a run of each that counts only where these took longer than ``seconds``.

    Args:
        ways: name -> what is timed, and has run before where a first run has more to do; the first way tells how often each is
            run in its turn.
        clock: tells seconds.
        rounds: how many turns each takes at most.
        seconds: no further round is begun that would take more than so many in all, after the first three.

    Returns:
        Name -> its seconds for one run, round by round.
    """
    names, taken = list(ways), {name: [] for name in ways}  # type: dict[Key, list[float]]
    start, runs = time.perf_counter(), 1
    first = {name: [_seconds(way, 1, clock)] for name, way in ways.items()}
    if time.perf_counter() - start > seconds:
        taken = first
    else:
        runs = max(1, round(LEAST_SECONDS / max(_seconds(ways[names[0]], 1, time.perf_counter), 1e-6)))
    start = time.perf_counter()
    for turn in range(len(taken[names[0]]), rounds):
        if turn >= LEAST_ROUNDS and (time.perf_counter() - start) * (turn + 1) / turn > seconds:
            break
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            taken[name].append(_seconds(ways[name], runs, clock))
    return taken


def fastest(ways: Mapping[Key, Run], clock: Callable[[], float], amounts: Mapping[Key, float] | None = None) -> Key:
    """Return the name of the way that takes least time, by its median of three rounds.

    Args:
        ways: as for ``compare``.
        clock: tells seconds.
        amounts: name -> how much a run gets done, where they differ.
    """
    taken = compare(ways, clock)
    return min(taken, key=lambda name: statistics.median(taken[name]) / (amounts[name] if amounts else 1))


def _seconds(way: Run, runs: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(runs):
        way()
    return (clock() - start) / runs
