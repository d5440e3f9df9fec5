"""The page file, and the files that exist until it is finished."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency.cli.options import CommandError
from saliency.io.atomic_write import atomic_write, named_errors, remove_leftover_files
from saliency.io.checksum import checksum, is_intact
from saliency.io.journal import OUTPUT, Journal, journal_path, open_journal
from saliency.io.working_file import open_working_file

SUFFIX = ".html"


@dataclass(frozen=True)
class PageFiles:
    """The files of a run.

    Args:
        out: path of the page.
    """

    out: Path

    @property
    def journal(self) -> Path:
        """The journal, until the run is finished."""
        return journal_path(self.out)

    @property
    def rows(self) -> Path:
        """The finished rows, as HTML. The file exists as long as the journal."""
        return self.out.with_name(f".{self.out.name}.rows")

    @contextmanager
    def open_run(self, settings: Mapping[str, str], overwrite: bool) -> Iterator[Journal]:
        """Start a run, or resume it.

        Args:
            settings: the settings that determine the result of the run, by option name.
            overwrite: whether to replace an existing page, or discard an unfinished run with other settings.

        Raises:
            CommandError: if the page exists, or the journal belongs to another run; no file has been changed.
        """
        with open_journal(self.journal, settings, overwrite) as journal:
            try:
                if os.path.lexists(self.out) and not (journal.resumed or overwrite):
                    raise CommandError(f"-out ({self.out}) already exists; use -overwrite to replace it")
                journal.begin()
                remove_leftover_files(self.out)
                if not journal.pieces and os.path.lexists(self.rows):
                    self.rows.unlink()
                yield journal
            finally:
                if journal.finished or not journal.records:  # remove the rows first: only the journal identifies them
                    self.rows.unlink(missing_ok=True)

    def is_written(self, journal: Journal) -> bool:
        """Return whether an earlier part of this run wrote the whole page."""
        return OUTPUT in journal.records and is_intact(self.out, journal.records[OUTPUT]["file"])

    def damaged_blocks(self, journal: Journal) -> list[int]:
        """Return the numbers of recorded blocks of rows that are missing or damaged."""
        pieces = journal.pieces
        if not os.path.lexists(self.rows):
            return list(pieces)
        with open_working_file(self.rows, "rb") as file:
            return [
                k for k, block in pieces.items() if block["rows"] != checksum(file, block["start"], block["rows"]["bytes"])
            ]

    def append_rows(self, rows: str) -> dict[str, Any]:
        """Append a block of rows; return its first byte and its checksum."""
        with named_errors(self.rows), open_working_file(self.rows, "a+b") as file:
            start = file.seek(0, os.SEEK_END)
            file.write(rows.encode("utf-8", "backslashreplace"))
            file.flush()
            return {"start": start, "rows": checksum(file, start)}

    def read_rows(self, blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the rows of recorded blocks, one block at a time."""
        with open_working_file(self.rows, "rb") as file:
            for block in blocks:
                file.seek(block["start"])
                yield file.read(block["rows"]["bytes"]).decode()

    def write_page(self, chunks: Iterable[str]) -> None:
        """Write the page, which appears under its name when it is complete."""
        with atomic_write(self.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(chunks)
