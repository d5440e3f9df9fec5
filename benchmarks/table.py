"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.bars import FLAT
from benchmarks.results import Measured, Peak, Run
from benchmarks.row import COLUMNS, OURS

TITLES = {"torch": "Torch", "tf": "TensorFlow"}


def page(runs: Sequence[Run]) -> str:
    """Return all tables, with what they were measured on."""
    return "\n".join(line for run in runs for line in (f"### {TITLES[run.framework]}", "", *lines(run), ""))


def lines(run: Run) -> Iterator[str]:
    """Yield a run's tables."""
    clock = "processor" if run.options["cpu"] else "wall"
    yield f"{told(run.machine)}; {told(run.versions)}; {run.date}."
    yield f"Ratios of {clock} time, ways in turn: median (lower to upper quartile), then the bar and whether it was met."
    yield from run.remarks
    columns = [column for column in COLUMNS if any(column in row.seconds for row in run.rows)]
    yield ""
    yield f"| network | inputs | work | ours takes | {' | '.join(f'ours / {column}' for column in columns)} |"
    yield f"|---|---:|---|---:|{'---|' * len(columns)}"
    yield from (line(row, columns, absolute="device" in run.versions) for row in run.rows)
    if run.peaks:
        yield from ("", *peaks(run.peaks))


def line(row: Measured, columns: Sequence[str], absolute: bool = False) -> str:
    """Return a row of the table."""
    network = f"{row.network} ({row.note})" if row.note else row.network
    cells = " | ".join(cell(row, column, absolute) for column in columns)
    return f"| {network} | {row.batch} | {row.work} | {seconds(median(row.seconds[OURS]))} | {cells} |"


def cell(row: Measured, column: str, absolute: bool = False) -> str:
    """Return a ratio, its quartiles, and its bar; nothing where the column does not do the work.

    Args:
        row: of the results.
        column: what ours is held against.
        absolute: tell the column's own time as well, as on a GPU.
    """
    if column not in row.seconds:
        return ""
    low, middle, high = row.quartiles(column)
    bar = row.bars.get(column)
    judged = "" if bar is None else f", bar {bar:.2f} {verdict(middle, bar)}"
    taken = f", it takes {seconds(median(row.seconds[column]))}" if absolute else ""
    return f"{middle:.2f} ({low:.2f} to {high:.2f}){judged}{taken}"


def verdict(ratio: float, bar: float) -> str:
    """Tell whether a bar was met, as the two are printed."""
    return "met" if round(ratio, 2) <= bar else "**missed**"


def peaks(found: Sequence[Peak]) -> Iterator[str]:
    """Yield the table of peak memory."""
    yield "Peak memory over that of the loaded network, in fresh processes."
    yield ""
    yield f"| network | work | ours, MiB | many / few, bar {FLAT:.2f} | Captum at its fastest, MiB | ours / Captum, bar 1.00 |"
    yield "|---|---|---|---|---|---|"
    for peak in found:
        few, many = peak.ours
        flat = f"{many / few:.2f}, {verdict(many / few, FLAT)}"
        captum = held = ""
        if peak.captum:
            captum = f"{_to(peak.captum)} ({peak.words})"
            held = f"{many / peak.captum[1]:.2f}, {verdict(many / peak.captum[1], 1.0)}"
        work = f"{peak.work}, {' to '.join(peak.amounts)}"
        yield f"| {peak.network} | {work} | {_to(peak.ours)} | {flat} | {captum} | {held} |"


def _to(both: tuple[float, float]) -> str:
    return f"{both[0]:.1f} to {both[1]:.1f}"


def told(facts: dict[str, str]) -> str:
    """Return facts in a line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def seconds(taken: float) -> str:
    """Return a time with its unit."""
    return f"{taken:.2f} s" if taken >= 1 else f"{1000 * taken:.1f} ms"
