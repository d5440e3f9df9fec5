"""Summarize results as Markdown: one input, two networks, medians only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.cases import BUNDLED, SQUEEZENET
from benchmarks.comparison import CAPTUM, GRAD_CAM, KERAS_VIS, LIMIT, PAIR, PAIR_GRAPH
from benchmarks.full_table import TITLES, join_facts
from benchmarks.results import BenchmarkRun, MeasuredComparison

NETWORKS = (BUNDLED, SQUEEZENET)
WORKS = ("SmoothGrad", "IntegratedGradients", "GradCAM", "Occlusion, 16/4")
COLUMNS = {"torch": (LIMIT, CAPTUM, GRAD_CAM, PAIR), "tf": (LIMIT, KERAS_VIS, PAIR, PAIR_GRAPH)}


def summary_page(runs: Sequence[BenchmarkRun]) -> str:
    """Return a summary table per framework."""
    return "\n".join(line for run in runs for line in (*summary_lines(run), ""))


def summary_lines(run: BenchmarkRun) -> Iterator[str]:
    """Yield the lines of a framework's table."""
    columns = COLUMNS[run.framework]
    yield f"| {TITLES[run.framework]} | work | {' | '.join(f'ours / {column}' for column in columns)} |"
    yield f"|---|---|{'---:|' * len(columns)}"
    for row in run.rows:
        if row.batch == 1 and row.network in NETWORKS and row.work.startswith(WORKS):
            yield f"| {row.network} | {row.work} | {' | '.join(_median(row, column) for column in columns)} |"
    clock = "processor" if run.options["cpu"] else "wall"
    yield ""
    on = f"{join_facts(run.versions)}; {run.machine['cores']} cores, {clock} time, {run.date}."
    yield f"*{' '.join([on, *run.remarks])}*"


def _median(row: MeasuredComparison, column: str) -> str:
    return f"{row.quartiles(column)[1]:.2f}" if column in row.seconds else ""
