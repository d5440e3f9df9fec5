"""Damaged files of every format: each gives what is in it, or one error of this library.

Each format is read in a process of its own, because damage may crash or stop code in C, where no exception is raised. If that
happens, only the number of the mutant is kept, and the next process continues after it.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.file_formats import file_formats
from tests.fuzz.file_mutants import read_flipped, read_mutant, seeds
from tests.fuzz.verdict import SECONDS

MUTANTS = 10_000
"""The largest number of mutants of a format."""

PROCESSES = 3
"""Formats that are read at the same time for each processor: most wait for files, or for the process that copies HDF5 files."""

STATE = 8192
"""Size of the file with the state, in bytes. One write of this size replaces it as a whole."""


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    names, end = list(file_formats())[::-1], time.monotonic() + seconds  # the slow formats first
    workers = PROCESSES * (os.cpu_count() or 1)

    def run_format(number):  # a format that is done early leaves its time to those that follow
        share = min(1, workers / (len(names) - number))
        return _run_format(names[number], share * (end - time.monotonic()), seed)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run_format, range(len(names))))[::-1]


def _run_format(name, seconds, seed):
    end, tried, short, examples = time.monotonic() + seconds, 0, 0, []
    while time.monotonic() < end and tried < MUTANTS:
        with tempfile.TemporaryDirectory() as folder:
            tried, found, lost = _start(name, seed, tried, end, Path(folder))
        short += found + bool(lost)
        examples += lost
    return f"damaged files: {name}", tried, short, examples


def _start(name, seed, first, end, folder):
    """Read mutants in a new process; return how many were tried, how many fell short, and examples if the process was lost."""
    state = folder / "state"
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.soak.files",
        name,
        str(seed),
        str(first),
        str(end - time.monotonic()),
        str(folder),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if state.exists() and time.time() - state.stat().st_mtime > 3 * SECONDS:
                process.kill()
    written = state.read_text() if state.exists() else ""
    tried, found, examples = json.loads(written) if written else (first, 0, [])
    if process.returncode:
        return tried + 1, found, [*examples, f"mutant {tried} of seed {seed}: the process ended with {process.returncode}"]
    return tried, found, examples


def _read_mutants(name, seed, first, seconds, folder):
    """Read mutants in this process until the time is over, and keep the state in a file, which also shows that it is alive."""
    reads = [read_mutant, read_flipped] if file_formats()[name].checksummed else [read_mutant]
    end, found, examples = time.monotonic() + float(seconds), 0, []
    seeds(name, folder)  # before the first state: the import of a framework may take longer than a mutant may
    state = os.open(folder / "state", os.O_WRONLY | os.O_CREAT)  # a file of its own for each state took a quarter of the time
    for number in range(int(first), MUTANTS):
        _keep(state, number, found, examples)
        if time.monotonic() > end:
            return
        problem = reads[number % len(reads)](name, random.Random(f"{seed} {name} {number}"), folder)
        found += bool(problem)
        examples += [f"mutant {number} of seed {seed}: {problem}"] if problem and len(examples) < 5 else []
    _keep(state, MUTANTS, found, examples)


def _keep(state, *values):
    os.pwrite(state, json.dumps(values).encode().ljust(STATE), 0)


if __name__ == "__main__":
    _read_mutants(*sys.argv[1:5], Path(sys.argv[5]))
