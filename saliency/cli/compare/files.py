"""The files of a comparison: tables, notes and a figure."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from saliency.cli.figure_file import write_figure
from saliency.cli.options import CommandError
from saliency.io.atomic_write import atomic_write, remove_leftover_files
from saliency.io.journal import journal_path

if TYPE_CHECKING:
    import pandas as pd

    from saliency.metrics import Comparison

DPI = 150
TABLES = ("values", "table", "tests", "control_tests")


@dataclass(frozen=True)
class ComparisonFiles:
    """The paths of the files of a run.

    Args:
        folder: folder of the files.
        format: suffix of the figure.
    """

    folder: Path
    format: str

    @property
    def errors(self) -> Path:
        """The table of failed stimuli."""
        return self.folder / "errors.csv"

    @property
    def journal(self) -> Path:
        """The journal, until the run is finished."""
        return journal_path(self.folder / "comparison")

    @property
    def figure(self) -> Path:
        """The figure."""
        return self.folder / f"comparison.{self.format}"

    @property
    def notes(self) -> Path:
        """The notes, one a line."""
        return self.folder / "notes.txt"

    def table(self, name: str) -> Path:
        """Return the path of one of ``TABLES``."""
        return self.folder / f"{name}.csv"

    def all(self) -> Iterator[Path]:
        """Yield the paths of all files that the run can write."""
        yield from (*map(self.table, TABLES), self.notes, self.figure, self.errors)

    def check_absent(self) -> None:
        """Check that no output file exists.

        Raises:
            CommandError: if one exists.
        """
        existing = [path.name for path in self.all() if os.path.lexists(path)]
        if existing:
            raise CommandError(f"-out ({self.folder}): {existing[0]} already exists; use -overwrite to replace it")

    def remove_temporary_files(self) -> None:
        """Remove the temporary files of a killed run."""
        for path in self.all():
            remove_leftover_files(path)

    def remove_results(self) -> None:
        """Remove the results of an earlier run."""
        for path in self.all():
            path.unlink(missing_ok=True)

    def write(self, comparison: "Comparison", values: "pd.DataFrame", record: str) -> None:
        """Write all files.

        Args:
            comparison: the comparison.
            values: the values, a row each, as they are written.
            record: describes the computation, as JSON.
        """
        self._write_table("values", values)
        self._write_table("table", _long_table(comparison))
        self._write_table("tests", comparison.tests)
        self._write_table("control_tests", comparison.control_tests)
        with atomic_write(self.notes) as temporary:
            temporary.write_text("".join(f"{note}\n" for note in comparison.notes), encoding="utf-8")
        write_figure(comparison.figure(), self.figure, record, DPI)

    def _write_table(self, name: str, table: "pd.DataFrame") -> None:
        with atomic_write(self.table(name)) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            table.to_csv(file, index=False)


def _long_table(comparison: "Comparison") -> "pd.DataFrame":
    """Return the statistics, a row for each metric and method or control."""
    import pandas as pd

    parts = [comparison.table[metric].assign(metric=metric) for metric in comparison.directions]
    rows = pd.concat(parts).rename_axis("method").reset_index()
    rows["kind"] = ["method" if name in comparison.methods else "control" for name in rows["method"]]
    better = {True: "higher", False: "lower", None: "neither"}
    rows["better"] = [better[comparison.directions[metric]] for metric in rows["metric"]]
    return rows[["metric", "better", "method", "kind", "mean", "low", "high", "rank", "n"]]
