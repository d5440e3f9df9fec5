"""Peak memory of few steps and of many: it must grow with the batch, never with the steps. Linux alone tells it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import saliency
from benchmarks.subjects import Subject, subjects

NAME = "IntegratedGradients, peak memory"
STEPS = (25, 500)
BAR = 1.02
BATCH = 5
"""Divides both, so that every pass has as many samples as any other."""

TRIES = {"torch": 1, "tf": 3}
"""Processes of which the least peak counts: TensorFlow's threads add 5 MiB in about every other."""

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_ARENA_MAX": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""Has glibc give freed arrays back at once, so that a process's peak is that of its arrays and not of its history; and
TensorFlow run a graph's operations in one order, so that no peak is that of the luckiest or unluckiest."""

STATUS = Path("/proc/self/status")


def row(framework: str, subject: Subject, squeezenet: Path | None) -> str:
    """Measure a network in fresh processes, and return its row of the table."""
    few, many = (
        min(_in_a_process(framework, subject.name, squeezenet, steps) for _ in range(TRIES[framework])) for steps in STEPS
    )
    held = f"{many:.1f} to {few:.1f} MiB"
    return (
        f"| {subject.name} | {NAME} | {BAR} | {many / few:.3f} | {STEPS[1]} to {STEPS[0]} steps, {BATCH} at a time | {held} |"
    )


def _in_a_process(framework: str, name: str, squeezenet: Path | None, steps: int) -> float:
    """Return the peak of a fresh process in MiB."""
    about = [framework, name, str(steps), *([str(squeezenet)] if squeezenet else [])]
    command = [sys.executable, "-m", "benchmarks.memory", *about]
    done = subprocess.run(command, env={**os.environ, **SETTINGS}, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def risen(framework: str, name: str, steps: int, squeezenet: Path | None) -> float:
    """Return the peak of this process, in MiB, over what it holds with the network loaded and after a first gradient."""
    subject = next(subject for subject in subjects(framework, squeezenet) if subject.name == name)
    mask = saliency.IntegratedGradients(subject.model, subject.classes[0], batch_size=BATCH)
    mask.GetMask(subject.x, x_steps=1)
    before = _held("VmRSS")
    mask.GetMask(subject.x, x_steps=steps)
    return _held("VmHWM") - before


def _held(entry: str) -> float:
    """Return what this process holds (VmRSS) or held at most (VmHWM), in MiB.

    ``ru_maxrss`` won't do: a process begins with that of the one that started it.
    """
    found = re.search(rf"{entry}:\s*(\d+) kB", STATUS.read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(risen(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]) if len(sys.argv) > 4 else None))
