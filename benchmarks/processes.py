"""The processes that a process started, by ``/proc`` (Linux): their processor time and memory."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """A process.

    Args:
        number: its number.
        parent: that of its parent.
        command: its command line.
        seconds: its processor time.
    """

    number: int
    parent: int
    command: str
    seconds: float


def processes_of(root: int) -> list[Process]:
    """Return a process and all that it started, also indirectly."""
    found = {one.number: one for one in _all_processes()}

    def is_descendant(number: int) -> bool:
        while number != root and number in found:
            number = found[number].parent
        return number == root

    return [one for one in found.values() if is_descendant(one.number)]


def memory_of(numbers: Iterable[int]) -> int:
    """Return the resident memory of processes in bytes, without what they share, such as Ray's object store."""
    total = 0
    for number in numbers:
        try:
            resident, shared = map(int, Path(f"/proc/{number}/statm").read_text().split()[1:3])
        except OSError:  # it has ended
            continue
        total += (resident - shared) * os.sysconf("SC_PAGESIZE")
    return total


def _all_processes() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended
            continue
        yield Process(int(folder.name), int(fields[1]), command, (int(fields[11]) + int(fields[12])) / TICKS)
