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


def run(seconds, seed):
    """Return the rows of the table: (what, tried, fell short, examples)."""
    names, end, workers = list(file_formats()), time.monotonic() + seconds, os.cpu_count() or 1

    def run_format(number):
        share = workers / (
            len(names) - number + workers - 1
        )  # a format that is done early leaves its time to those that follow
        return _run_format(names[number], share * (end - time.monotonic()), seed)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run_format, range(len(names))))


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
    tried, found, examples = json.loads(state.read_text()) if state.exists() else (first, 0, [])
    if process.returncode:
        return tried + 1, found, [*examples, f"mutant {tried} of seed {seed}: the process ended with {process.returncode}"]
    return tried, found, examples


def _read_mutants(name, seed, first, seconds, folder):
    """Read mutants in this process until the time is over, and keep the state in a file, which also shows that it is alive."""
    reads = [read_mutant, read_flipped] if file_formats()[name].checksummed else [read_mutant]
    end, found, examples = time.monotonic() + float(seconds), 0, []
    seeds(name, folder)  # before the first state: the import of a framework may take longer than a mutant may
    for number in range(int(first), MUTANTS):
        _keep(folder, number, found, examples)
        if time.monotonic() > end:
            return
        problem = reads[number % len(reads)](name, random.Random(f"{seed} {name} {number}"), folder)
        found += bool(problem)
        examples += [f"mutant {number} of seed {seed}: {problem}"] if problem and len(examples) < 5 else []
    _keep(folder, MUTANTS, found, examples)


def _keep(folder, *state):
    new = folder / "new state"
    new.write_text(json.dumps(state))
    new.replace(folder / "state")


if __name__ == "__main__":
    _read_mutants(*sys.argv[1:5], Path(sys.argv[5]))
