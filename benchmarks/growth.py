"""Measure growth of time and memory: ``python -m benchmarks.growth [--framework F] [--out FOLDER] [--squeezenet FILE]``."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.cases import SQUEEZENET
from benchmarks.full_table import format_seconds
from benchmarks.interleaved import compare
from benchmarks.peak_memory import STATUS, measure_peak
from benchmarks.tasks import INTEGRATED, OCCLUSION, SMOOTHGRAD, VANILLA, Task

FILE = "growth.json"
SECONDS_PER_LINE = 10.0
"""Time budget of a line's comparison; three rounds always run."""


@dataclass(frozen=True)
class GrowthPoint:
    """Hold the measurements of one amount.

    Args:
        line: the method and the parameter that grows.
        amount: the value of the parameter.
        seconds: median time.
        ratio: median ratio of the time to that of the line's first amount.
        mib: peak memory in MiB; None if the system does not report it.
    """

    line: str
    amount: str
    seconds: float
    ratio: float
    mib: float | None


def growth_tasks(task: Task) -> dict[str, list[tuple[str, Task]]]:
    """Return line -> its amounts, formatted, and their tasks."""
    integrated, plain = replace(task, work=INTEGRATED, amount=48), replace(task, work=VANILLA)
    many = {"IntegratedGradients: steps": INTEGRATED, "SmoothGrad: samples": SMOOTHGRAD}
    lines = {line: [(str(n), replace(task, work=work, amount=n)) for n in (12, 24, 48, 96)] for line, work in many.items()}
    strides = [(f"{(208 // n + 1) ** 2}, stride {n}", replace(task, work=OCCLUSION, amount=n)) for n in (16, 8, 4)]
    lines["Occlusion, 16 pixels: windows"] = strides
    if task.framework == "torch":
        lines["Vanilla: pixels a side"] = [(str(n), replace(plain, side=n)) for n in (112, 224, 448)]
    lines["Vanilla: inputs at once"] = [(str(n), replace(plain, inputs=n)) for n in (1, 4, 16)]
    lines["IntegratedGradients, 48 steps: batch_size"] = [(str(n), replace(integrated, batch_size=n)) for n in (1, 4, 16)]
    return lines


def measure_line(line: str, tasks: Sequence[tuple[str, Task]], clock: Callable[[], float]) -> list[GrowthPoint]:
    """Measure a line: the times in turn, the memory of each amount in a separate process."""
    variants = {amount: partial(task.prepare(), task.amount) for amount, task in tasks}
    timings = compare(variants, clock, 9, SECONDS_PER_LINE)
    first = timings[tasks[0][0]]
    ratios = {amount: statistics.median(b / a for a, b in zip(first, each, strict=True)) for amount, each in timings.items()}
    peaks = {amount: measure_peak(task) if STATUS.exists() else None for amount, task in tasks}
    return [
        GrowthPoint(line, amount, statistics.median(timings[amount]), ratios[amount], peaks[amount]) for amount, _ in tasks
    ]


def growth_table(points: Sequence[GrowthPoint]) -> str:
    """Format points as a Markdown table."""
    rows = ["| what grows | to | takes | times the first | peak memory, MiB |", "|---|---|---:|---:|---:|"]
    for point in points:
        mib = "" if point.mib is None else f"{point.mib:.0f}"
        rows.append(f"| {point.line} | {point.amount} | {format_seconds(point.seconds)} | {point.ratio:.2f} | {mib} |")
    return "\n".join(rows)


def main() -> None:
    """Measure all lines, print them and write them to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--framework", choices=("torch", "tf"), default="torch")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="FOLDER")
    parser.add_argument(
        "--squeezenet", metavar="FILE", help="weights of torchvision's squeezenet1_0 (default: random weights)"
    )
    parser.add_argument("--cpu", action="store_true", help="measure processor time of all threads instead of wall time")
    options = parser.parse_args()
    task = Task(options.framework, SQUEEZENET, VANILLA, 1, squeezenet=options.squeezenet)
    clock = time.process_time if options.cpu else time.perf_counter
    points: list[GrowthPoint] = []
    for line, tasks in growth_tasks(task).items():
        points += measure_line(line, tasks, clock)
        print(growth_table(points[-len(tasks) :]), flush=True)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / FILE).write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
