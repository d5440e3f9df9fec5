"""Read the images of a stimulus file, as the options specify."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from saliency import nets
from saliency.cli.options import CommandError, OptionParser, finite_number, nonnegative_integer, positive_integer
from saliency.cli.piece_log import StimulusLog
from saliency.cli.stimulus_image import StimulusImage
from saliency.io import stim
from saliency.io.picture_options import PictureError, PictureOptions


@dataclass(frozen=True)
class Stimuli:
    """The stimuli of a file.

    Args:
        names: stimIDs.
        folder: folder of the images.
        reading: how the images are read.
        allow_outside: whether a stimID may lead outside the folder.
        file: path of the stimulus file.
        columns: its other columns, by name.
    """

    names: Sequence[str]
    folder: Path
    reading: PictureOptions
    allow_outside: bool
    file: str
    columns: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def of(cls, options: argparse.Namespace) -> Stimuli:
        """Read the stimulus file of ``-stim``.

        A relative ``path=`` is resolved relative to the working directory, as in DNNBrain. If there is no such folder, it is
        resolved relative to the stimulus file.

        Raises:
            CommandError: if the stimuli are not images, none of the files exists, or a stimulus is listed twice.
            ValueError, OSError: if the file cannot be read.
        """
        file = options.stim
        table = _read_table(file)
        given, beside = Path(table.path), Path(file).parent / table.path
        folder = beside if os.path.isdir(beside) and not os.path.isdir(given) else given
        names = [str(name) for name in table.data["stimID"]]
        if not any(os.path.lexists(folder / name) for name in names):
            raise CommandError(f"{file}: none of its {len(names)} images is in {folder.absolute()}; check its path= line")
        if not options.allow_duplicates:
            _check_duplicates(file, names)
        columns = {name: values for name, values in table.data.items() if name != "stimID"}
        return cls(names, folder, _reading(options), options.allow_outside, file, columns)

    def for_network(self, network: nets.Network, drawn_side: int = 0) -> Stimuli:
        """Return the same stimuli; the largest ones are reduced while they are read.

        Args:
            network: the network that the images are prepared for.
            drawn_side: side in pixels at which the images are drawn.
        """
        needed = network.needed_size
        size = None if needed is None else (max(needed[0], drawn_side), max(needed[1], drawn_side))
        return replace(self, reading=replace(self.reading, needed_size=size))

    def __len__(self) -> int:
        return len(self.names)

    def fingerprint(self) -> str:
        """Return a hash of the sizes and modification times of the images, to notice changed files without reading them."""
        digest = hashlib.sha256()
        for name in self.names:
            with suppress(OSError, ValueError):
                status = (self.folder / name).stat()
                digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]

    def read(self, indices: range, log: StimulusLog) -> Iterator[StimulusImage]:
        """Yield the images of stimuli; log conversions, and images that cannot be read.

        Args:
            indices: indices of the stimuli, counting from 0.
            log: the log of the run.
        """
        for index in indices:
            image = self._read_one(index, log)
            if image is not None:
                yield image
            del image  # at most one picture is in memory in its original size

    def _read_one(self, index: int, log: StimulusLog) -> StimulusImage | None:
        from saliency.io.picture import read_picture

        name, path = self.names[index], self.folder / self.names[index]
        try:
            if not self.allow_outside and leads_outside(self.folder, name):
                raise PictureError("OUTSIDE_PATH", path, "leads outside the folder of path=; use -allow-outside to read it")
            rgb, notes = read_picture(path, self.reading)
        except PictureError as error:
            log.add_failure(name, path, "read", error.code, str(error))
            return None
        log.notes.update(notes)
        return StimulusImage(index, name, path, rgb)


def add_stimulus_options(parser: OptionParser) -> None:
    """Add ``-stim`` and the options that specify how images are read."""
    add = parser.add_option
    add("stim", required=True, metavar="Stimulus", help="a .stim.csv file of images")
    add("frame", type=positive_integer, default=1, metavar="N", help="frame to read from a multi-frame image (default: 1)")
    add("no-exif", action="store_true", help="ignore the EXIF orientation of images")
    add(
        "float-range",
        type=finite_number,
        nargs=2,
        metavar=("BLACK", "WHITE"),
        help="values of black and white in grayscale images of more than 8 bits, such as floating-point images",
    )
    add(
        "max-pixels",
        type=positive_integer,
        metavar="N",
        help="maximum number of pixels of an image (default: 89 million; 32 million for WebP)",
    )
    add("allow-outside", action="store_true", help="read stimuli whose names lead outside their folder")
    add("allow-duplicates", action="store_true", help="process a stimulus each time that the file lists it")
    add("max-errors", type=nonnegative_integer, metavar="N", help="stop when more than N images failed (default: never)")
    add("strict", dest="max_errors", action="store_const", const=0, help="stop when an image fails")


def _read_table(file: str) -> stim.Stimulus:
    if not file.endswith(stim.SUFFIX):
        raise CommandError(f"-stim ({file}) must end in {stim.SUFFIX}")
    try:
        table = stim.read(file)
    except OSError as error:
        raise CommandError(f"-stim ({file}) cannot be read: {error.strerror}") from None
    if table.type != "image":
        raise CommandError(f"{file}: stimuli of type {table.type} are not supported; the type must be image")
    return table


def _reading(options: argparse.Namespace) -> PictureOptions:
    if options.float_range is None:
        float_range = None
    else:
        black, white = options.float_range
        float_range = black, white
        if black >= white:
            raise CommandError(f"-float-range: BLACK (={black}) must be less than WHITE (={white})")
    return PictureOptions(options.frame - 1, not options.no_exif, float_range, options.max_pixels, refuse_dark=True)


def _check_duplicates(file: str, names: Sequence[str]) -> None:
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        rows = [str(i + 1) for i, name in enumerate(names) if name == duplicates[0]]
        listed = f"{', '.join(rows[:5])}{' ...' if len(rows) > 5 else ''}"
        raise CommandError(
            f"{file}: {duplicates[0]} is listed more than once (stimuli {listed}); "
            "use -allow-duplicates to process it each time"
        )


def leads_outside(folder: Path, name: str) -> bool:
    """Return whether a stimID is an absolute path, or leaves the folder of the stimuli by ``..``.

    Each ``..`` is resolved as the system does: after a link, it is the parent of the link's target. A link without ``..``
    behind it does not lead outside, because the owner of the folder made it.
    """
    if Path(name).is_absolute():
        return True
    parts = Path(name).parts
    climbs = [os.path.join(folder, *parts[: i + 1]) for i, part in enumerate(parts) if part == ".."]  # noqa: PTH118
    with suppress(ValueError):  # a NUL in the name; reading the image reports it
        return not all(Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)) for path in climbs)
    return False
