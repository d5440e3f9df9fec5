"""The few figures that a reader wants first: one input, two networks, medians alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.results import Measured, Run
from benchmarks.row import CAPTUM, GRAD_CAM, KERAS_VIS, LIMIT, PAIR, PAIR_GRAPH
from benchmarks.subjects import EMBEDDED, SQUEEZENET
from benchmarks.table import TITLES, told

NETWORKS = (EMBEDDED, SQUEEZENET)
WORKS = ("SmoothGrad", "IntegratedGradients", "GradCAM", "Occlusion, 16/4")
COLUMNS = {"torch": (LIMIT, CAPTUM, GRAD_CAM, PAIR), "tf": (LIMIT, KERAS_VIS, PAIR, PAIR_GRAPH)}


def page(runs: Sequence[Run]) -> str:
    """Return a short table of each framework."""
    return "\n".join(line for run in runs for line in (*lines(run), ""))


def lines(run: Run) -> Iterator[str]:
    """Yield a framework's table."""
    columns = COLUMNS[run.framework]
    yield f"| {TITLES[run.framework]} | work | {' | '.join(f'ours / {column}' for column in columns)} |"
    yield f"|---|---|{'---:|' * len(columns)}"
    for row in run.rows:
        if row.batch == 1 and row.network in NETWORKS and row.work.startswith(WORKS):
            yield f"| {row.network} | {row.work} | {' | '.join(_median(row, column) for column in columns)} |"
    clock = "processor" if run.options["cpu"] else "wall"
    yield ""
    on = f"{told(run.versions)}; {run.machine['cores']} cores, {clock} time, {run.date}."
    yield f"*{' '.join([on, *run.remarks])}*"


def _median(row: Measured, column: str) -> str:
    return f"{row.quartiles(column)[1]:.2f}" if column in row.seconds else ""
