"""What the fuzzer knows about a format of files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FileFormat:
    """A format of files.

    Args:
        suffix: of a file's name.
        seeds: functions that write a small valid file to a path.
        read: reads a path and returns arrays or texts, whatever is in it.
        checksummed: returns the ranges (start, stop) of a seed's bytes that a checksum protects: a damaged byte there must not
            give another result.
    """

    suffix: str
    seeds: Sequence[Callable[[Any], None]]
    read: Callable[[Any], Any]
    checksummed: Callable[[Any], Sequence[tuple[int, int]]] | None = None
