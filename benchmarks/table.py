"""The table: a row is a method, and what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from itertools import groupby

from benchmarks.interleaved import compare

HEAD = "| network | method | bar | ratio | to | which takes |\n|---|---|---:|---|---|---:|"


@dataclass(frozen=True)
class Row:
    """A ratio to be measured.

    Args:
        name: of the method, with what matters of its options.
        passes: what it is held against, in words.
        ours: what is timed.
        bare: what it is held against: the bare passes, or another library's way.
        bar: the ratio should not exceed it; None where there is none.
    """

    name: str
    passes: str
    ours: Callable[[], object]
    bare: Callable[[], object]
    bar: float | None = None


def line(network: str, row: Row, rounds: int, clock: Callable[[], float]) -> str:
    """Measure a row, and write it down."""
    timed = compare({"bare": row.bare, "ours": row.ours}, rounds, clock)
    bar, bare = "" if row.bar is None else f"{row.bar:.2f}", f"{1000 * timed['bare'].seconds:.1f} ms"
    return f"| {network} | {row.name} | {bar} | {timed['ours']} | {row.passes} | {bare} |"


def in_short(given: Sequence[Sized]) -> str:
    """Write batches down in short: ``13+12``, ``1+13x14``."""
    runs = [(size, len(list(same))) for size, same in groupby(len(batch) for batch in given)]
    return "+".join(str(size) if times == 1 else f"{times}x{size}" for size, times in runs)
