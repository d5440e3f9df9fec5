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

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_ARENA_MAX": "1"}
"""Has glibc give freed arrays back at once, so that a process's peak is that of its arrays and not of its history."""

STATUS = Path("/proc/self/status")


def row(subject: Subject, squeezenet: Path | None) -> str:
    """Measure a network in two fresh processes, and return its row of the table."""
    few, many = (_in_a_process(subject.name, squeezenet, steps) for steps in STEPS)
    held = f"{many:.1f} to {few:.1f} MiB"
    return (
        f"| {subject.name} | {NAME} | {BAR} | {many / few:.3f} | {STEPS[1]} to {STEPS[0]} steps, {BATCH} at a time | {held} |"
    )


def _in_a_process(name: str, squeezenet: Path | None, steps: int) -> float:
    """Return the peak of a fresh process in MiB."""
    command = [sys.executable, "-m", "benchmarks.memory", name, str(steps), *([str(squeezenet)] if squeezenet else [])]
    done = subprocess.run(command, env={**os.environ, **ALLOCATOR}, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def risen(name: str, steps: int, squeezenet: Path | None) -> float:
    """Return the peak of this process, in MiB, over what it holds with the network loaded and after a first gradient."""
    subject = next(subject for subject in subjects(squeezenet) if subject.name == name)
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
    print(risen(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
