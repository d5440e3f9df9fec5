"""What was measured, as it is kept in ``results.json``: tables, plots and pages are made from this alone."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.row import OURS

FILE = "results.json"


@dataclass(frozen=True)
class Measured:
    """A row.

    Args:
        network, work, batch, note: what was done; ``batch`` inputs are explained at once.
        seconds: column -> seconds of the whole work, round by round; ``OURS`` among them.
        words: column -> how it was done.
        bars: column -> what the ratio of ours to it should not exceed.
    """

    network: str
    work: str
    batch: int
    note: str
    seconds: dict[str, list[float]]
    words: dict[str, str]
    bars: dict[str, float]

    def ratios(self, column: str) -> list[float]:
        """Return ours to a column, round by round."""
        return [ours / other for ours, other in zip(self.seconds[OURS], self.seconds[column], strict=True)]

    def quartiles(self, column: str) -> tuple[float, float, float]:
        """Return the ratios' lower quartile, median and upper quartile."""
        low, middle, high = statistics.quantiles(self.ratios(column), n=4, method="inclusive")
        return low, middle, high


@dataclass(frozen=True)
class Peak:
    """Peak memory of one work with few and with many of what must not cost any.

    Args:
        network, work: what was done.
        amounts: the few and the many, in words.
        ours, captum: MiB with few and with many; None where Captum was not asked.
        words: Captum's batches.
    """

    network: str
    work: str
    amounts: tuple[str, str]
    ours: tuple[float, float]
    captum: tuple[float, float] | None = None
    words: str = ""


@dataclass
class Run:
    """All that a framework's run found out.

    Args:
        framework: ``torch`` or ``tf``.
        date: of its start.
        machine, versions, options: name -> what it was.
        remarks: lines above the table.
        rows, peaks: what was measured so far.
    """

    framework: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    options: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    rows: list[Measured] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)


def write(run: Run, folder: Path) -> None:
    """Keep a run beside that of the other framework; an earlier one of the same is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = [run, *(other for other in read(folder / FILE) if other.framework != run.framework)]
    kept = [asdict(one) for one in sorted(runs, key=lambda one: one.framework, reverse=True)]
    (folder / FILE).write_text(json.dumps({"runs": kept}, indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> list[Run]:
    """Return the runs in a file, Torch's first; none where there is no file."""
    if not file.exists():
        return []
    runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
    for run in runs:
        run["rows"] = [Measured(**row) for row in run["rows"]]
        run["peaks"] = [Peak(**{name: _pair(value) for name, value in one.items()}) for one in run["peaks"]]
    return [Run(**run) for run in runs]


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
