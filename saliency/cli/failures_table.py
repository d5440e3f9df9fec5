"""Write the table of failed stimuli, ``*_errors.csv``."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from saliency.io.atomic_write import atomic_write


@dataclass(frozen=True)
class Failure:
    """A stimulus without a result, and the reason. The fields are the columns of the table."""

    stimID: str  # noqa: N815 - the column's name in the stimulus file
    path: str
    stage: str
    code: str
    message: str


def write_failures(file: Path, failures: Iterable[Failure]) -> None:
    """Write the table, with a quotation mark in front of each cell that a spreadsheet would run as a formula."""
    with atomic_write(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow([field.name for field in fields(Failure)])
        for failure in failures:
            writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in astuple(failure)])
