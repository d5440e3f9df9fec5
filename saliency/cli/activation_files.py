"""The file of activations that a command writes, and what stands beside it meanwhile."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saliency.cli.journal import Journal
from saliency.cli.options import Refused
from saliency.io import act
from saliency.io.atomic_write import leftover_files


def check_output(out: Path, suffix: str = act.SUFFIX) -> None:
    """Check the output's name and folder before any work.

    Raises:
        Refused: if the name is no such file's, or the folder cannot be written.
    """
    if not out.name.endswith(suffix) or out.is_dir():
        raise Refused(f"-out ({out}) must be a file whose name ends in {suffix}")
    try:
        with tempfile.TemporaryFile(dir=out.parent):  # it has no name that a killed process could leave
            pass
    except OSError as error:
        raise Refused(f"-out ({out}) cannot be written: {out.absolute().parent}: {error.strerror}") from None


@dataclass(frozen=True)
class ActFiles:
    """Where the files of a run are.

    Args:
        out: the activations.
    """

    out: Path

    @property
    def errors(self) -> Path:
        """The table of what failed."""
        return self.out.with_name(f"{self.out.name.removesuffix(act.SUFFIX)}_errors.csv")

    @property
    def journal(self) -> Path:
        """What is done, while the run goes on."""
        return self.out.with_name(f".{self.out.name}.journal")

    @property
    def parts(self) -> Path:
        """The folder of what is computed, while the run goes on."""
        return self.out.with_name(f".{self.out.name}.parts")

    def check(self) -> None:
        """Check that no file of the run is there.

        Raises:
            Refused: if one is.
        """
        for path in (self.out, self.errors):
            if os.path.lexists(path):
                raise Refused(f"-out ({self.out}): {path.name} is there already; give -overwrite to replace it")

    def clean(self) -> None:
        """Remove what a killed run left half-written."""
        for left in (*leftover_files(self.out), *leftover_files(self.errors)):
            left.unlink(missing_ok=True)

    @contextmanager
    def without_parts_of(self, done: Journal) -> Iterator[None]:
        """Leave no parts when the block raises before anything is recorded, as there is no journal then."""
        try:
            yield
        except BaseException:
            if not done.records:
                self.remove_parts()
            raise

    def remove_parts(self) -> None:
        """Remove what is computed."""
        if self.parts.exists():
            shutil.rmtree(self.parts)
