"""Results, as stored in ``results.json``: tables, plots and pages are made from this file alone."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.comparison import OURS

FILE = "results.json"


@dataclass(frozen=True)
class MeasuredComparison:
    """Hold the times of a comparison.

    Args:
        network, work, batch, note: the network, the workload, the number of inputs explained at once, and a remark.
        seconds: column -> seconds of the workload in each round; includes ``OURS``.
        words: column -> description of the variant.
        bars: column -> the largest acceptable ratio of our time to its time.
    """

    network: str
    work: str
    batch: int
    note: str
    seconds: dict[str, list[float]]
    words: dict[str, str]
    bars: dict[str, float]

    def ratios(self, column: str) -> list[float]:
        """Return the ratios of our time to that of a column, for each round."""
        return [ours / other for ours, other in zip(self.seconds[OURS], self.seconds[column], strict=True)]

    def quartiles(self, column: str) -> tuple[float, float, float]:
        """Return the ratios' lower quartile, median and upper quartile."""
        low, middle, high = statistics.quantiles(self.ratios(column), n=4, method="inclusive")
        return low, middle, high


@dataclass(frozen=True)
class PeakMemory:
    """Hold the peak memory of a workload with few and with many steps, samples or windows.

    Args:
        network, work: the network and the workload.
        amounts: the few and the many, formatted.
        ours, captum: MiB with few and with many; None if Captum was not measured.
        words: description of Captum's batches.
    """

    network: str
    work: str
    amounts: tuple[str, str]
    ours: tuple[float, float]
    captum: tuple[float, float] | None = None
    words: str = ""


@dataclass
class BenchmarkRun:
    """Hold all results of a framework's run.

    Args:
        framework: ``torch`` or ``tf``.
        date: when the run started.
        machine, versions, options: name -> value.
        remarks: lines above the table.
        rows, peaks: the results so far.
    """

    framework: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    options: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    rows: list[MeasuredComparison] = field(default_factory=list)
    peaks: list[PeakMemory] = field(default_factory=list)


def write(run: BenchmarkRun, folder: Path) -> None:
    """Write a run next to that of the other framework; replace an earlier run of the same framework."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = [run, *(other for other in read(folder / FILE) if other.framework != run.framework)]
    stored = [asdict(one) for one in sorted(runs, key=lambda one: one.framework, reverse=True)]
    (folder / FILE).write_text(json.dumps({"runs": stored}, indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> list[BenchmarkRun]:
    """Return the runs in a file, Torch's first; an empty list if there is no file."""
    if not file.exists():
        return []
    runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
    for run in runs:
        run["rows"] = [MeasuredComparison(**row) for row in run["rows"]]
        run["peaks"] = [PeakMemory(**{name: _list_to_tuple(value) for name, value in one.items()}) for one in run["peaks"]]
    return [BenchmarkRun(**run) for run in runs]


def _list_to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
