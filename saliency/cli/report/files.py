"""The page file, and the files that exist until it is finished."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saliency.cli.journal import Journal, journal_path, open_journal
from saliency.cli.options import CommandError
from saliency.io.atomic_write import atomic_write, remove_leftover_files

SUFFIX = ".html"
CHUNK_CHARACTERS = 2**20  # rows are copied into the page in chunks of this size


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
                if not self.is_written(journal):
                    self._truncate_rows(int(journal.records[-1]["bytes"]) if journal.records else 0)
                yield journal
            finally:
                if journal.finished or not journal.records:  # remove the rows first: only the journal identifies them
                    self.rows.unlink(missing_ok=True)

    def is_written(self, journal: Journal) -> bool:
        """Return whether an earlier part of this run wrote the whole page."""
        return bool(journal.records) and "written" in journal.records[-1] and self.out.exists()

    def append_rows(self, rows: str) -> int:
        """Append rows; return the size of the file in bytes."""
        with self.rows.open("ab") as file:
            file.write(rows.encode("utf-8", "backslashreplace"))
            return file.tell()

    def read_rows(self) -> Iterator[str]:
        """Yield all rows, in chunks of text."""
        with self.rows.open(encoding="utf-8", newline="") as file:
            while chunk := file.read(CHUNK_CHARACTERS):
                yield chunk

    def write_page(self, chunks: Iterable[str]) -> None:
        """Write the page, which appears under its name when it is complete."""
        with atomic_write(self.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(chunks)

    def _truncate_rows(self, size: int) -> None:
        """Remove rows that a killed run wrote but did not record."""
        existing = self.rows.stat().st_size if self.rows.exists() else 0
        if existing < size:
            raise CommandError(f"{self.rows} lacks rows that {self.journal.name} lists as done; remove both to start again")
        with self.rows.open("ab") as file:
            file.truncate(size)
