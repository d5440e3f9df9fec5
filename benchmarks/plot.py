"""Plot a run: a dot with quartiles for each ratio, a line at 1, a mark at each bar."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.comparison import COLUMNS
from benchmarks.full_table import TITLES
from benchmarks.results import BenchmarkRun, MeasuredComparison

ROW_HEIGHT = 0.22
"""Height of a row, in inches."""


def draw_ratios(run: BenchmarkRun, file: Path) -> None:
    """Draw all ratios of a run, with a panel per column and a line per row."""
    columns = [column for column in COLUMNS if any(column in row.seconds for row in run.rows)]
    figure = Figure(figsize=(4 + 2 * len(columns), 1.2 + ROW_HEIGHT * len(run.rows)), layout="constrained")
    axes = figure.subplots(1, max(1, len(columns)), sharey=True, squeeze=False)[0]
    for panel, column in zip(axes, columns, strict=False):
        _draw_panel(panel, run.rows, column)
    axes[0].set_yticks(range(len(run.rows)), [f"{row.network} x {row.batch}, {row.work}" for row in run.rows], fontsize=7)
    axes[0].set_ylim(len(run.rows) - 0.5, -0.5)
    clock = "processor" if run.options["cpu"] else "wall"
    figure.suptitle(
        f"{TITLES[run.framework]}: ratios of our {clock} time to the others'; a bar that was met is green", fontsize=9
    )
    options = {"quality": 60, "method": 6} if file.suffix == ".webp" else {}
    figure.savefig(file, dpi=90, pil_kwargs=options)


def _draw_panel(panel: Axes, rows: list[MeasuredComparison], column: str) -> None:
    panel.axvline(1, color="0.6", linewidth=0.8)
    for place, row in enumerate(rows):
        if column not in row.seconds:
            continue
        low, middle, high = row.quartiles(column)
        panel.plot([low, high], [place, place], color="tab:blue", linewidth=1.5)
        panel.plot(middle, place, "o", color="tab:blue", markersize=3.5)
        if column in row.bars:
            bar = row.bars[column]
            panel.plot(bar, place, "|", color="tab:green" if middle <= bar else "tab:red", markersize=11, markeredgewidth=2)
    panel.set_xscale("log")
    panel.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"], fontsize=7)
    panel.minorticks_off()
    panel.set_title(f"ours / {column}", fontsize=8)
    panel.grid(axis="y", color="0.93")
