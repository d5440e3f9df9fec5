"""Format all results as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.comparison import COLUMNS, OURS
from benchmarks.max_ratios import MEMORY_GROWTH
from benchmarks.results import BenchmarkRun, MeasuredComparison, PeakMemory

TITLES = {"torch": "Torch", "tf": "TensorFlow"}


def full_page(runs: Sequence[BenchmarkRun]) -> str:
    """Return all tables, with the machine and the versions."""
    return "\n".join(line for run in runs for line in (f"### {TITLES[run.framework]}", "", *full_lines(run), ""))


def full_lines(run: BenchmarkRun) -> Iterator[str]:
    """Yield the lines of a run's tables."""
    clock = "processor" if run.options["cpu"] else "wall"
    yield f"{join_facts(run.machine)}; {join_facts(run.versions)}; {run.date}."
    yield f"Ratios of {clock} time, ways in turn: median (lower to upper quartile), then the bar and whether it was met."
    yield from run.remarks
    columns = [column for column in COLUMNS if any(column in row.seconds for row in run.rows)]
    yield ""
    yield f"| network | inputs | work | ours takes | {' | '.join(f'ours / {column}' for column in columns)} |"
    yield f"|---|---:|---|---:|{'---|' * len(columns)}"
    yield from (format_row(row, columns, absolute="device" in run.versions) for row in run.rows)
    if run.peaks:
        yield from ("", *peak_lines(run.peaks))


def format_row(row: MeasuredComparison, columns: Sequence[str], absolute: bool = False) -> str:
    """Format a row of the table."""
    network = f"{row.network} ({row.note})" if row.note else row.network
    cells = " | ".join(format_ratio(row, column, absolute) for column in columns)
    return f"| {network} | {row.batch} | {row.work} | {format_seconds(median(row.seconds[OURS]))} | {cells} |"


def format_ratio(row: MeasuredComparison, column: str, absolute: bool = False) -> str:
    """Format a ratio with its quartiles and its bar; return an empty string if the column was not measured.

    Args:
        row: the measured comparison.
        column: the column that ours is compared with.
        absolute: include the column's time, as for runs on a GPU.
    """
    if column not in row.seconds:
        return ""
    low, middle, high = row.quartiles(column)
    bar = row.bars.get(column)
    bar_text = "" if bar is None else f", bar {bar:.2f} {verdict(middle, bar)}"
    time_text = f", it takes {format_seconds(median(row.seconds[column]))}" if absolute else ""
    return f"{middle:.2f} ({low:.2f} to {high:.2f}){bar_text}{time_text}"


def verdict(ratio: float, bar: float) -> str:
    """Return whether a bar was met by the ratio as printed."""
    return "met" if round(ratio, 2) <= bar else "**missed**"


def peak_lines(peaks: Sequence[PeakMemory]) -> Iterator[str]:
    """Yield the lines of the table of peak memory."""
    yield "Peak memory over that of the loaded network, in fresh processes."
    yield ""
    growth = f"many / few, bar {MEMORY_GROWTH:.2f}"
    yield f"| network | work | ours, MiB | {growth} | Captum at its fastest, MiB | ours / Captum, bar 1.00 |"
    yield "|---|---|---|---|---|---|"
    for peak in peaks:
        few, many = peak.ours
        flat = f"{many / few:.2f}, {verdict(many / few, MEMORY_GROWTH)}"
        captum = ratio = ""
        if peak.captum:
            captum = f"{_format_pair(peak.captum)} ({peak.words})"
            ratio = f"{many / peak.captum[1]:.2f}, {verdict(many / peak.captum[1], 1.0)}"
        work = f"{peak.work}, {' to '.join(peak.amounts)}"
        yield f"| {peak.network} | {work} | {_format_pair(peak.ours)} | {flat} | {captum} | {ratio} |"


def _format_pair(both: tuple[float, float]) -> str:
    return f"{both[0]:.1f} to {both[1]:.1f}"


def join_facts(facts: dict[str, str]) -> str:
    """Join names and values in one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def format_seconds(seconds: float) -> str:
    """Format a time with its unit."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
