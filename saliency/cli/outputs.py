"""The output files of a ``dnn_saliency`` run, and their folder."""

import argparse
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency.cli.free_space import check_free_space
from saliency.cli.image_targets import ImageTargets
from saliency.cli.methods import COLOR_METHODS
from saliency.cli.options import CommandError
from saliency.io.atomic_write import remove_leftover_files
from saliency.io.checksum import is_intact
from saliency.io.journal import OUTPUT, Journal, journal_path

MAX_LISTED_CHANNELS = 6  # file names list at most this many channels
COMMENT_OPTIONS = ("net", "layer", "chn", "target", "meth", "set", "smooth", "mode", "cmap", "vmin", "vmax", "units",
                   "percentile", "overlay", "dnnbrain")  # fmt: skip


@dataclass(frozen=True)
class OutputFiles:
    """The paths of the files of a run, whose names begin alike and identify the run.

    Args:
        folder: folder of the files.
        base: beginning of their names.
        figures: number of figures.
        save: ``npz`` or ``h5`` if the maps are saved, else None.
        comment: the options of the run, for the comment of each figure.
        format: suffix of the figures.
    """

    folder: Path
    base: str
    figures: int
    save: str | None
    comment: str
    format: str = "jpg"

    @classmethod
    def of(cls, options: argparse.Namespace, network: str, targets: ImageTargets, figures: int) -> "OutputFiles":
        """Name the files by the options that identify the run: ``AlexNet_fc3_chn294-23_guided_RGB``."""
        words = [network, targets.layer.layer, _channel_label(targets), options.meth]
        words += [options.mode] if options.meth in COLOR_METHODS else []
        words += [] if options.smooth is None else [f"smooth{options.smooth}"]
        words += [] if options.cmap in (None, "coolwarm") else [options.cmap]
        words += [name for name in ("units", "overlay") if getattr(options, name)]
        rest = options.vmin, options.vmax, sorted(options.set.items())
        words += [] if rest == (None, None, []) else [_digest(repr(rest))]
        values = {name: getattr(options, name) for name in COMMENT_OPTIONS}
        comment = ", ".join(f"-{name} {value}" for name, value in values.items() if value not in (None, {}, False))
        base = re.sub(r"[^\w.+-]", "_", "_".join(words))
        return cls(Path(options.out), base, figures, options.save, comment, options.format)

    @property
    def errors(self) -> Path:
        """The table of failed stimuli."""
        return self.folder / f"{self.base}_errors.csv"

    @property
    def journal(self) -> Path:
        """The journal, until the run is finished."""
        return journal_path(self.folder / self.base)

    @property
    def merged_maps(self) -> Path:
        """The HDF5 file of all maps."""
        return self.folder / f"{self.base}.h5"

    def figure(self, k: int) -> Path:
        """Return the path of the k-th figure, counting from 1."""
        return self.folder / f"{self.base}_fig{k}.{self.format}"

    def maps(self, k: int) -> Path:
        """Return the path of the maps of the k-th figure; it is a hidden file if the maps are merged at the end."""
        return self.folder / f"{'.' if self.save == 'h5' else ''}{self.base}_fig{k}.npz"

    def all(self) -> Iterator[Path]:
        """Yield the paths of all files that the run can write."""
        yield from map(self.figure, range(1, self.figures + 1))
        if self.save == "npz":
            yield from map(self.maps, range(1, self.figures + 1))
        if self.save == "h5":
            yield self.merged_maps
        yield self.errors

    def pieces(self, k: int) -> list[Path]:
        """Return the paths of the files of the k-th figure."""
        return [self.figure(k)] if self.save is None else [self.figure(k), self.maps(k)]

    def damaged_pieces(self, journal: Journal) -> list[int]:
        """Return the numbers of recorded figures whose files are missing or damaged.

        If the maps were merged, their parts are not needed. A merged file that is damaged is removed from the journal.
        """
        if OUTPUT in journal.records and not is_intact(self.merged_maps, journal.records[OUTPUT]["file"]):
            journal.discard([OUTPUT])
        unneeded = {self.maps(k).name for k in journal.pieces} if OUTPUT in journal.records else set()
        return [k for k, record in journal.pieces.items() if not self._are_intact(record["files"], unneeded)]

    def _are_intact(self, files: Mapping[str, Any], unneeded: Collection[str]) -> bool:
        return all(is_intact(self.folder / name, recorded) for name, recorded in files.items() if name not in unneeded)

    def check_absent(self) -> None:
        """Check that no output file exists.

        Raises:
            CommandError: if one exists.
        """
        existing = [path.name for path in self.all() if os.path.lexists(path)]
        if existing:
            files = "1 file" if len(existing) == 1 else f"{len(existing)} files"
            raise CommandError(
                f"-out ({self.folder}): {existing[0]} already exists ({files} of this run); use -overwrite to replace"
            )

    def check_free_space(self, maps: int, merged: int) -> None:
        """Check that the disk has space for the maps that are saved. The figures need more.

        Args:
            maps: size of the maps that are not computed yet, in bytes.
            merged: size of all maps, which are in the parts and in the merged file at the end.

        Raises:
            CommandError: if it has not.
        """
        needed = maps + (merged if self.save == "h5" else 0)
        check_free_space(self.folder, self.folder, needed, "the maps", "stimuli or channels")

    def remove_temporary_files(self) -> None:
        """Remove the temporary files of a killed run."""
        for path in [*self.all(), *(map(self.maps, range(1, self.figures + 1)) if self.save == "h5" else ())]:
            remove_leftover_files(path)


@contextmanager
def writable_folder(out: Path) -> Iterator[None]:
    """Create a folder and check that it is writable; if the block raises, remove the folders that were created and are empty.

    Raises:
        CommandError: if it is a file, or is not writable.
    """
    new = [parent for parent in (out, *out.parents) if not os.path.lexists(parent)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):  # it has no name, so a killed process leaves no file
            pass
    except OSError as error:
        _remove_empty_folders(new)
        raise CommandError(f"-out ({out}) must be a writable folder or a new one: {error.strerror}") from None
    try:
        yield
    except BaseException:
        _remove_empty_folders(new)
        raise


def _remove_empty_folders(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # it is not empty, or was not created
            folder.rmdir()


def _channel_label(targets: ImageTargets) -> str:
    """Return the part of a file name that says what is explained: ``chn4-8``, ``chn340minus21``, ``top-label``."""
    words = ["minus".join(targets.term_names(choice)) for choice in targets.choices]
    first = next((k for k, choice in enumerate(targets.choices) if isinstance(choice.one, int)), None)
    if len(words) > MAX_LISTED_CHANNELS:
        words = [words[0], "and", str(len(words) - 1), "more", _digest(" ".join(words))]
    return "-".join(f"chn{word}" if k == first else word for k, word in enumerate(words))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
