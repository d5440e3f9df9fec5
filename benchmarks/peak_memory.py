"""Measure the peak memory of a task in a fresh process: the GPU's memory, or on Linux the process's memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.tasks import OCCLUSION, SIZE, Task

ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_ARENA_MAX": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""Makes glibc return freed arrays to the system at once, so that the peak does not depend on earlier allocations; and makes
TensorFlow run a graph's operations in a fixed order, so that the peak is reproducible."""

PROCESSES = {"torch": 1, "tf": 2}
"""Number of processes, whose minimum peak is used: TensorFlow's threads add 5 MiB in about every other process."""

STATUS = Path("/proc/self/status")


def measure_peak(task: Task) -> float:
    """Return the peak memory of a fresh process that runs a task, in MiB, above its memory with the network loaded."""
    return min(_measure_in_subprocess(task) for _ in range(PROCESSES[task.framework]))


def _measure_in_subprocess(task: Task) -> float:
    command = [sys.executable, "-m", "benchmarks.peak_memory", json.dumps(asdict(task))]
    completed = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return float(completed.stdout.split()[-1])


def peak_increase(task: Task) -> float:
    """Run a task and return the peak memory of this process, in MiB, above its memory after a small first run."""
    run = task.prepare()
    run(SIZE if task.work == OCCLUSION else 1)
    if task.framework == "torch":
        import torch

        if torch.cuda.is_available():
            return _gpu_peak_increase(run, task.amount)
    before = memory_status("VmRSS")
    run(task.amount)
    return memory_status("VmHWM") - before


def _gpu_peak_increase(run: Callable[[int], object], amount: int) -> float:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run(amount)
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def memory_status(entry: str) -> float:
    """Return the current (VmRSS) or peak (VmHWM) memory of this process, in MiB.

    ``ru_maxrss`` cannot be used, since a process inherits the value of its parent.
    """
    match = re.search(rf"{entry}:\s*(\d+) kB", STATUS.read_text())
    assert match is not None
    return int(match[1]) / 1024


if __name__ == "__main__":
    print(peak_increase(Task(**json.loads(sys.argv[1]))))
