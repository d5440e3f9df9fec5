"""The page, and what stands beside it while it is made."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saliency.cli.journal import Journal, journal
from saliency.cli.options import Refused
from saliency.io.atomic_write import atomic_write, leftover_files

SUFFIX = ".html"
PIECE = 2**20  # characters that are copied at a time


@dataclass(frozen=True)
class PageFiles:
    """Where the files of a run are.

    Args:
        out: the page.
    """

    out: Path

    @property
    def journal(self) -> Path:
        """What is done, while the run goes on."""
        return self.out.with_name(f".{self.out.name}.journal")

    @property
    def rows(self) -> Path:
        """The rows that are done, as they will stand in the page; it is there as long as the journal is."""
        return self.out.with_name(f".{self.out.name}.rows")

    @contextmanager
    def begun(self, about: Mapping[str, str], overwrite: bool) -> Iterator[Journal]:
        """Begin a run, or take it up where it ended.

        Raises:
            Refused: if the page is there already, or what is done is another run's; nothing has been changed.
        """
        with journal(self.journal, about, overwrite) as done:
            try:
                if os.path.lexists(self.out) and not (done.resumed or overwrite):
                    raise Refused(f"-out ({self.out}) is there already; give -overwrite to replace it")
                done.begin()
                for left in leftover_files(self.out):
                    left.unlink(missing_ok=True)
                if not self.is_written(done):
                    self._cut(int(done.records[-1]["bytes"]) if done.records else 0)
                yield done
            finally:
                if done.ended or not done.records:  # before the journal goes, which tells what they are
                    self.rows.unlink(missing_ok=True)

    def is_written(self, done: Journal) -> bool:
        """Tell whether the page is whole, so that the run only has to end."""
        return bool(done.records) and "written" in done.records[-1] and self.out.exists()

    def add(self, rows: str) -> int:
        """Add rows; return how many bytes there are now."""
        with self.rows.open("ab") as file:
            file.write(rows.encode("utf-8", "backslashreplace"))
            return file.tell()

    def pieces(self) -> Iterator[str]:
        """Yield what was added, a piece at a time."""
        with self.rows.open(encoding="utf-8", newline="") as file:
            while piece := file.read(PIECE):
                yield piece

    def write(self, page: Iterable[str]) -> None:
        """Write the page, of which a reader sees all or nothing."""
        with atomic_write(self.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(page)

    def _cut(self, size: int) -> None:
        """Drop rows that were written by a run that was killed before it recorded them."""
        there = self.rows.stat().st_size if self.rows.exists() else 0
        if there < size:
            raise Refused(f"{self.rows} lacks what {self.journal.name} has for done; remove both to begin anew")
        with self.rows.open("ab") as file:
            file.truncate(size)
