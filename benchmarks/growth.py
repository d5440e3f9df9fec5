"""How time and memory grow: ``python -m benchmarks.growth [--framework torch|tf] [--out FOLDER] [--squeezenet FILE]``."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.interleaved import compare
from benchmarks.peak import STATUS, peak
from benchmarks.subjects import SQUEEZENET
from benchmarks.table import seconds
from benchmarks.tasks import INTEGRATED, OCCLUSION, SMOOTHGRAD, VANILLA, Task

FILE = "growth.json"
SECONDS = 10.0
"""Of a line's comparison, after three rounds."""


@dataclass(frozen=True)
class Point:
    """One amount.

    Args:
        line: what grows, in words.
        amount: how much of it.
        seconds: median.
        ratio: to the first amount's, median of the rounds.
        mib: peak memory; None where the system does not tell it.
    """

    line: str
    amount: str
    seconds: float
    ratio: float
    mib: float | None


def lines(task: Task) -> dict[str, list[tuple[str, Task]]]:
    """Return line -> amounts in words, and their tasks."""
    integrated, plain = replace(task, work=INTEGRATED, amount=48), replace(task, work=VANILLA)
    many = {"IntegratedGradients: steps": INTEGRATED, "SmoothGrad: samples": SMOOTHGRAD}
    found = {line: [(str(n), replace(task, work=work, amount=n)) for n in (12, 24, 48, 96)] for line, work in many.items()}
    strides = [(f"{(208 // n + 1) ** 2}, stride {n}", replace(task, work=OCCLUSION, amount=n)) for n in (16, 8, 4)]
    found["Occlusion, 16 pixels: windows"] = strides
    if task.framework == "torch":
        found["Vanilla: pixels a side"] = [(str(n), replace(plain, side=n)) for n in (112, 224, 448)]
    found["Vanilla: inputs at once"] = [(str(n), replace(plain, inputs=n)) for n in (1, 4, 16)]
    found["IntegratedGradients, 48 steps: batch_size"] = [(str(n), replace(integrated, at_a_time=n)) for n in (1, 4, 16)]
    return found


def points(line: str, tasks: Sequence[tuple[str, Task]], clock: Callable[[], float]) -> list[Point]:
    """Measure a line: its times in turn, each amount's memory in a process of its own."""
    ways = {amount: partial(task.way(), task.amount) for amount, task in tasks}
    taken = compare(ways, clock, 9, SECONDS)
    first = taken[tasks[0][0]]
    ratios = {amount: statistics.median(b / a for a, b in zip(first, each, strict=True)) for amount, each in taken.items()}
    held = {amount: peak(task) if STATUS.exists() else None for amount, task in tasks}
    return [Point(line, amount, statistics.median(taken[amount]), ratios[amount], held[amount]) for amount, _ in tasks]


def table(found: Sequence[Point]) -> str:
    """Return the points as Markdown."""
    rows = ["| what grows | to | takes | times the first | peak memory, MiB |", "|---|---|---:|---:|---:|"]
    for point in found:
        mib = "" if point.mib is None else f"{point.mib:.0f}"
        rows.append(f"| {point.line} | {point.amount} | {seconds(point.seconds)} | {point.ratio:.2f} | {mib} |")
    return "\n".join(rows)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--framework", choices=("torch", "tf"), default="torch")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="FOLDER")
    parser.add_argument("--squeezenet", metavar="FILE", help="its weights; random without")
    parser.add_argument("--cpu", action="store_true", help="count the processor's seconds of all threads, not the clock's")
    options = parser.parse_args()
    task = Task(options.framework, SQUEEZENET, VANILLA, 1, squeezenet=options.squeezenet)
    clock = time.process_time if options.cpu else time.perf_counter
    found: list[Point] = []
    for line, tasks in lines(task).items():
        found += points(line, tasks, clock)
        print(table(found[-len(tasks) :]), flush=True)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / FILE).write_text(json.dumps([asdict(point) for point in found], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
