"""The hidden folder of what an unfinished run has computed, beside its output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saliency.io.journal import Journal
from saliency.io.working_file import check_working_folder, remove_working_folder


@dataclass(frozen=True)
class PartsFolder:
    """The folder ``.NAME.parts`` beside an output.

    Args:
        out: path of the output.
    """

    out: Path

    @property
    def path(self) -> Path:
        """The path of the folder."""
        return self.out.with_name(f".{self.out.name}.parts")

    def open(self, keep: bool) -> None:
        """Create the folder.

        Args:
            keep: whether to keep the parts in it.
        """
        if not keep:
            self.remove()
        if not os.path.lexists(self.path):
            self.path.mkdir()
        check_working_folder(self.path)

    def remove(self) -> None:
        """Remove the folder and its parts."""
        remove_working_folder(self.path)

    @contextmanager
    def discard_unrecorded(self, journal: Journal) -> Iterator[None]:
        """Remove the parts if the block raises before anything is recorded, because the journal is removed too."""
        try:
            yield
        except BaseException:
            if not journal.records:
                self.remove()
            raise
