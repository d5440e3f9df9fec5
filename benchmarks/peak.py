"""Peak memory of a task, in a fresh process: on a GPU its own, elsewhere the process's, which Linux alone tells."""

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

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_ARENA_MAX": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
"""Has glibc give freed arrays back at once, so that a process's peak is that of its arrays and not of its history; and
TensorFlow run a graph's operations in one order, so that no peak is that of the luckiest or unluckiest."""

TRIES = {"torch": 1, "tf": 2}
"""Processes of which the least peak counts: TensorFlow's threads add 5 MiB in about every other."""

STATUS = Path("/proc/self/status")


def peak(task: Task) -> float:
    """Return what a fresh process holds at most while it runs a task, in MiB, over what it holds with the network loaded."""
    return min(_in_a_process(task) for _ in range(TRIES[task.framework]))


def _in_a_process(task: Task) -> float:
    command = [sys.executable, "-m", "benchmarks.peak", json.dumps(asdict(task))]
    done = subprocess.run(command, env={**os.environ, **SETTINGS}, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return float(done.stdout.split()[-1])


def risen(task: Task) -> float:
    """Return the peak of this process, over what it holds with the network loaded and after a first small run."""
    run = task.way()
    run(SIZE if task.work == OCCLUSION else 1)
    if task.framework == "torch":
        import torch

        if torch.cuda.is_available():
            return _risen_on_gpu(run, task.amount)
    before = held("VmRSS")
    run(task.amount)
    return held("VmHWM") - before


def _risen_on_gpu(run: Callable[[int], object], amount: int) -> float:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run(amount)
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def held(entry: str) -> float:
    """Return what this process holds (VmRSS) or held at most (VmHWM), in MiB.

    ``ru_maxrss`` won't do: a process begins with that of the one that started it.
    """
    found = re.search(rf"{entry}:\s*(\d+) kB", STATUS.read_text())
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(risen(Task(**json.loads(sys.argv[1]))))
