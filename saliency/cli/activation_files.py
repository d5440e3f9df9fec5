"""The files of a ``dnn_act`` run: its output, and the files that exist until it is finished."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from saliency.cli.free_space import check_free_space
from saliency.cli.options import CommandError
from saliency.io import act
from saliency.io.atomic_write import remove_leftover_files
from saliency.io.checksum import is_intact
from saliency.io.journal import OUTPUT, Journal, journal_path
from saliency.io.parts_folder import PartsFolder


def check_output_path(out: Path, suffix: str = act.SUFFIX) -> None:
    """Check the name and the folder of an output file before any computation.

    Raises:
        CommandError: if the suffix is wrong, or the folder is not writable.
    """
    if not out.name.endswith(suffix) or os.path.isdir(out):
        raise CommandError(f"-out ({out}) must be a file whose name ends in {suffix}")
    try:
        with tempfile.TemporaryFile(dir=out.parent):  # it has no name, so a killed process leaves no file
            pass
    except OSError as error:
        raise CommandError(f"-out ({out}) cannot be written: {out.absolute().parent}: {error.strerror}") from None


@dataclass(frozen=True)
class ActivationFiles:
    """The paths of the files of a run.

    Args:
        out: path of the activations.
    """

    out: Path

    @property
    def errors(self) -> Path:
        """The table of failed stimuli."""
        return self.out.with_name(f"{self.out.name.removesuffix(act.SUFFIX)}_errors.csv")

    @property
    def journal(self) -> Path:
        """The journal, until the run is finished."""
        return journal_path(self.out)

    @property
    def parts(self) -> PartsFolder:
        """The folder of the values computed so far, until the run is finished."""
        return PartsFolder(self.out)

    def check_absent(self) -> None:
        """Check that no output file exists.

        Raises:
            CommandError: if one exists.
        """
        for path in (self.out, self.errors):
            if os.path.lexists(path):
                raise CommandError(f"-out ({self.out}): {path.name} already exists; use -overwrite to replace it")

    def remove_temporary_files(self) -> None:
        """Remove the temporary files of a killed run."""
        for path in (self.out, self.errors):
            remove_leftover_files(path)

    def is_written(self, journal: Journal) -> bool:
        """Return whether an earlier part of this run wrote the whole file and was killed before it ended."""
        return journal.resumed and OUTPUT in journal.records and is_intact(self.out, journal.records[OUTPUT]["file"])

    def check_free_space(self, needed: int) -> None:
        """Check that the disk has space for the values that are not computed yet. The output needs more, at the end.

        Args:
            needed: size of these values in bytes.

        Raises:
            CommandError: if it has not.
        """
        check_free_space(self.out, self.parts.path, needed, "the values", "units")
