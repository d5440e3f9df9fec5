"""Time several functions in turn, so that other load on the machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

Callback: TypeAlias = Callable[[], object]
Key = TypeVar("Key")

MIN_SECONDS = 0.1
"""Minimum duration of a turn; faster functions run several times per turn."""

MIN_ROUNDS = 3


def compare(
    variants: Mapping[Key, Callback],
    clock: Callable[[], float] = time.perf_counter,
    rounds: int = MIN_ROUNDS,
    seconds: float = float("inf"),
) -> dict[Key, list[float]]:
    """Time every variant once per round, in rotating order.

    A warm-up run of each comes first; its times count only if the warm-up took longer than ``seconds``.

    Args:
        variants: name -> function to time. Variants with a slow first run must have run before. The first variant determines
            the number of runs per turn.
        clock: returns seconds.
        rounds: maximum number of rounds.
        seconds: time budget. After three rounds, no round starts that would exceed it.

    Returns:
        Name -> its seconds per run, for each round.
    """
    names, timings = list(variants), {name: [] for name in variants}  # type: dict[Key, list[float]]
    start, runs = time.perf_counter(), 1
    first = {name: [_seconds(variant, 1, clock)] for name, variant in variants.items()}
    if time.perf_counter() - start > seconds:
        timings = first
    else:
        runs = max(1, round(MIN_SECONDS / max(_seconds(variants[names[0]], 1, time.perf_counter), 1e-6)))
    start = time.perf_counter()
    for turn in range(len(timings[names[0]]), rounds):
        if turn >= MIN_ROUNDS and (time.perf_counter() - start) * (turn + 1) / turn > seconds:
            break
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            timings[name].append(_seconds(variants[name], runs, clock))
    return timings


def fastest(variants: Mapping[Key, Callback], clock: Callable[[], float], amounts: Mapping[Key, float] | None = None) -> Key:
    """Return the name of the fastest variant, by the median of three rounds.

    Args:
        variants: as for ``compare``.
        clock: returns seconds.
        amounts: name -> amount of work per run, if it differs; times are divided by it.
    """
    timings = compare(variants, clock)
    return min(timings, key=lambda name: statistics.median(timings[name]) / (amounts[name] if amounts else 1))


def _seconds(variant: Callback, runs: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(runs):
        variant()
    return (clock() - start) / runs
