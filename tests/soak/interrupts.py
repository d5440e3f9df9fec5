"""Interrupt commands with real signals at random moments, and check what is left.

``python -m tests.soak.interrupts --count 200`` prints a table and returns 1 if a run left a wrong file, crashed, or ended with a
wrong exit status. Each run is a fork of this process, which has imported Torch but not used it, because the import takes long.
``python -m tests.soak`` runs it for a number of seconds.
"""

import argparse
import hashlib
import importlib
import importlib.util
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.interrupted_commands import CASES, Case, prepare
from tests.soak.part_process import run_part, write_rows

Row = tuple[str, int, int, list[str]]
TEMPORARY = f".*-{'[0-9a-f]' * 8}.*"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHARES = {signal.SIGINT: 0.2, signal.SIGTERM: 0.05}
"""Signal -> the share of all runs for each of the four cases."""
HARMLESS = ("old file", "new file", "no file")


@dataclass
class Outcome:
    """What the runs of a case left."""

    statuses: Counter[int] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Limit:
    """When the interrupts of a case end: after a number of them or of seconds."""

    count: float
    seconds: float


def digest(file: Path) -> str | None:
    """Return a hash of a file, or None if there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def start(case: Case, folder: Path, signaled: bool = False) -> int:
    """Run a case in a fork; return its process id.

    Its output goes to the file ``log``, and the seconds that it took, unless it will be signaled, to the file ``seconds``.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # Python loses a signal that arrives while it forks
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        return pid
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(log, number)
    os.chdir(folder)
    began = time.monotonic()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    status = case.run()
    if not signaled:
        (folder / "seconds").write_text(str(time.monotonic() - began))
    sys.exit(status)


def wait(pid: int) -> int:
    """Return the exit status of a process, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(seconds: float, seed: int) -> list[Row]:
    """Return the rows of the table: (what, tried, fell short, examples)."""
    if not importlib.util.find_spec("torch"):
        return []
    return run_part("tests.soak.interrupts", "interrupts", seconds, "--seed", seed)


def soak(case: Case, limit: Limit, number: signal.Signals, folder: Path, rng: random.Random) -> Outcome:
    """Interrupt a case many times; each run starts with the same files."""
    prepare(folder)
    before = digest(folder / case.output)
    status, new = wait(start(case, folder)), digest(folder / case.output)
    if status or new is None:
        raise RuntimeError(f"an undisturbed run failed: {(folder / 'log').read_text()}")
    seconds, outcome, end = float((folder / "seconds").read_text()), Outcome(), time.monotonic() + limit.seconds
    while not outcome.statuses or (outcome.statuses.total() < limit.count and time.monotonic() < end):
        prepare(folder)
        delay = rng.uniform(0, 1.05 * seconds)
        pid = start(case, folder, signaled=True)
        time.sleep(delay)
        os.kill(pid, number)
        status = wait(pid)
        found = digest(folder / case.output)
        names = {None: "no file"} | ({before: "old file"} if before else {}) | {new: "new file"}
        left = names.get(found, "WRONG FILE")
        outcome.statuses[status] += 1
        outcome.files[left] += 1
        fault = describe_fault(status, number, left, before, [path.name for path in folder.rglob(TEMPORARY)])
        if not fault and case.resumable:
            fault = describe_rest(case, folder, new)
        if fault:
            log = (folder / "log").read_text().strip().splitlines() or [""]
            outcome.faults.append(f"after {delay:.3f} s: {fault}; last line: {log[-1]}")
    return outcome


def describe_fault(status: int, number: signal.Signals, left: str, before: str | None, temporary: Sequence[str]) -> str:
    """Return what is wrong with the end of a run, or an empty string."""
    if status not in (128 + number, -number, 0):  # -number: before the command or after its end
        return f"exit status {status}"
    if status > 0 and temporary:
        return f"exit status {status} and {temporary}"
    if left not in HARMLESS or (left == "no file" and before):
        return left
    return "exit status 0 without the new file" if status == 0 and left != "new file" else ""


def describe_rest(case: Case, folder: Path, new: str) -> str:
    """Run the same command again; return what is wrong with its file, or an empty string."""
    status = wait(start(case, folder))
    if status or digest(folder / case.output) != new:
        return f"the same command again ends with exit status {status} and a different file"
    hidden = [path.name for path in (folder / case.output).parent.glob(".*")]
    return f"the same command again leaves {hidden}" if hidden else ""


def table(outcomes: dict[str, Outcome]) -> str:
    """Return the outcomes as a table."""
    lines = ["| interrupted | runs | exit statuses | left | faults |", "|---|---|---|---|---|"]
    for name, outcome in outcomes.items():
        cells = [
            ", ".join(f"{count} x {key}" for key, count in sorted(kind.items())) for kind in (outcome.statuses, outcome.files)
        ]
        lines.append(f"| {name} | {outcome.statuses.total()} | {cells[0]} | {cells[1]} | {len(outcome.faults)} |")
    return "\n".join(lines)


def rows(outcomes: dict[str, Outcome]) -> list[Row]:
    """Return the outcomes as rows of the table of all parts."""
    return [(f"interrupts: {name}", one.statuses.total(), len(one.faults), one.faults[:5]) for name, one in outcomes.items()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the soak test and print its table; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=float, default=math.inf, help="number of interrupts")
    parser.add_argument("--seconds", type=float, default=math.inf, help="time of all interrupts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", help="file for the rows of the table of all parts")
    options = parser.parse_args(argv)
    rng, outcomes = random.Random(options.seed), {}
    folder = Path(tempfile.mkdtemp())
    for name, case in CASES.items():
        for number, share in SHARES.items():
            limit = Limit(max(1, share * options.count), share * options.seconds)
            outcomes[f"{name}, {number.name}"] = soak(case, limit, number, folder / "run", rng)
    shutil.rmtree(folder)  # not in a `finally`, which the forks would run too
    if options.rows:
        write_rows(options.rows, rows(outcomes))
    print(table(outcomes))
    for name, outcome in outcomes.items():
        for fault in outcome.faults:
            print(f"{name}: {fault}")
    return 1 if any(outcome.faults for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    for module in (
        "torch",
        "saliency.torch",
        "saliency.nets.demo_net",
        "matplotlib.backends.backend_agg",
        "saliency.cli.saliency_run",
    ):
        importlib.import_module(module)  # forks inherit it
    sys.exit(main())
