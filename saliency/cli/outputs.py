"""The names of a run's files in a folder, and the folder itself."""

import argparse
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from saliency.cli.methods import COLOURED
from saliency.cli.options import Refused
from saliency.io.atomic_write import leftover_files

MOST_NAMED = 6  # channels that a name spells
TOLD = ("net", "layer", "chn", "meth", "set", "smooth", "mode", "cmap", "vmin", "vmax", "units")


@dataclass(frozen=True)
class Outputs:
    """Where the files of a run are: all of their names begin with what tells it from other runs.

    Args:
        folder: of the files.
        base: how their names begin.
        figures: how many there are.
        save: ``npz`` or ``h5`` if the maps are saved.
        comment: what the run is, which a figure says within.
    """

    folder: Path
    base: str
    figures: int
    save: str | None
    comment: str

    @classmethod
    def of(cls, options: argparse.Namespace, network: str, figures: int) -> "Outputs":
        """Name the files by the options that tell runs apart: ``AlexNet_fc3_chn294-23_guided_RGB``."""
        words = [network, options.layer, f"chn{_numbers(options.chn)}", options.meth]
        words += [options.mode] if options.meth in COLOURED else []
        words += [] if options.smooth is None else [f"smooth{options.smooth}"]
        words += [] if options.cmap == "coolwarm" else [options.cmap]
        words += ["units"] if options.units else []
        rest = options.vmin, options.vmax, sorted(options.set.items())
        words += [] if rest == (None, None, []) else [_digest(repr(rest))]
        comment = ", ".join(f"-{name} {getattr(options, name)}" for name in TOLD if getattr(options, name) not in (None, {}))
        return cls(Path(options.out), re.sub(r"[^\w.+-]", "_", "_".join(words)), figures, options.save, comment)

    @property
    def errors(self) -> Path:
        """The table of what failed."""
        return self.folder / f"{self.base}_errors.csv"

    @property
    def journal(self) -> Path:
        """What is done, while the run goes on."""
        return self.folder / f".{self.base}.journal"

    @property
    def joined(self) -> Path:
        """All maps in one file."""
        return self.folder / f"{self.base}.h5"

    def figure(self, k: int) -> Path:
        """The k-th figure, from 1."""
        return self.folder / f"{self.base}_fig{k}.jpg"

    def maps(self, k: int) -> Path:
        """The maps of its stimuli; hidden, where they are to be joined."""
        return self.folder / f"{'.' if self.save == 'h5' else ''}{self.base}_fig{k}.npz"

    def all(self) -> Iterator[Path]:
        """Yield all files that the run may leave."""
        yield from map(self.figure, range(1, self.figures + 1))
        if self.save == "npz":
            yield from map(self.maps, range(1, self.figures + 1))
        if self.save == "h5":
            yield self.joined
        yield self.errors

    def check(self) -> None:
        """Check that none of them is there.

        Raises:
            Refused: if one is.
        """
        there = [path.name for path in self.all() if os.path.lexists(path)]
        if there:
            raise Refused(
                f"-out ({self.folder}) holds {there[0]} already ({len(there)} files of this run); give -overwrite to replace"
            )

    def clean(self) -> None:
        """Remove what a killed run left half-written."""
        for path in [*self.all(), *(map(self.maps, range(1, self.figures + 1)) if self.save == "h5" else ())]:
            for left in leftover_files(path):
                left.unlink(missing_ok=True)


@contextmanager
def folder(out: Path) -> Iterator[None]:
    """Make a folder, and see that files can be written there; if the block raises and left none, what was made goes again.

    Raises:
        Refused: if it is a file, or cannot be written.
    """
    new = [parent for parent in (out, *out.parents) if not os.path.lexists(parent)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):  # it has no name that a killed process could leave
            pass
    except OSError as error:
        _remove(new)
        rule = "must be a folder that can be written, or the name of a new one"
        raise Refused(f"-out ({out}) {rule}: {error.strerror}") from None
    try:
        yield
    except BaseException:
        _remove(new)
        raise


def _remove(folders: list[Path]) -> None:
    for one in folders:
        with suppress(OSError):  # it is not empty, or was not made
            one.rmdir()


def _numbers(channels: list[int]) -> str:
    if len(channels) <= MOST_NAMED:
        return "-".join(map(str, channels))
    return f"{channels[0]}-and-{len(channels) - 1}-more-{_digest(str(channels))}"


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:6]
