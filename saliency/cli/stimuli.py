"""The pictures of a stimulus file, as options say that they are to be read."""

import argparse
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from saliency.cli.options import Parser, Refused, count, finite, whole
from saliency.cli.run_log import Report
from saliency.io import stim
from saliency.io.picture import read_picture
from saliency.io.picture_conversion import PictureError, PictureOptions


@dataclass(frozen=True)
class Picture:
    """A picture that was read.

    Args:
        number: of its stimulus in the file, from 0.
        name: its stimID.
        path: its file.
        image: as RGB.
    """

    number: int
    name: str
    path: Path
    image: Image.Image


@dataclass(frozen=True)
class Stimuli:
    """The stimuli of a file.

    Args:
        names: stimIDs.
        folder: of the pictures.
        reading: how they are read.
        outside: whether a name may lead out of the folder.
    """

    names: Sequence[str]
    folder: Path
    reading: PictureOptions
    outside: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Stimuli":
        """Read the stimulus file of ``-stim``.

        A relative ``path=`` counts from the working folder, as in DNNBrain, or else from the stimulus file's own.

        Raises:
            Refused: if the stimuli are no pictures, none of them exists, or one is named twice.
            ValueError, OSError: if the file cannot be read.
        """
        file = options.stim
        table = _table(file)
        folder = Path(table.path)
        if not folder.is_dir() and (Path(file).parent / folder).is_dir():
            folder = Path(file).parent / folder
        names = [str(name) for name in table.data["stimID"]]
        if not any(os.path.lexists(folder / name) for name in names):
            raise Refused(f"{file}: none of its {len(names)} pictures is in {folder.absolute()}; is its path= line right?")
        if not options.allow_duplicates:
            _check_twice(file, names)
        return cls(names, folder, _reading(options), options.allow_outside)

    def __len__(self) -> int:
        return len(self.names)

    def version(self) -> str:
        """Return what tells the pictures from others of their names, without reading them."""
        digest = hashlib.sha256()
        for name in self.names:
            with suppress(OSError, ValueError):
                status = (self.folder / name).stat()
                digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]

    def read(self, numbers: range, report: Report) -> Iterator[Picture]:
        """Yield pictures, by their stimuli's numbers from 0; report those that can't be read, and what was converted."""
        for number in numbers:
            name = self.names[number]
            path = self.folder / name
            try:
                if not self.outside and not _is_inside(name):
                    raise PictureError("OUTSIDE_PATH", path, "leads out of the folder of path=; -allow-outside reads it")
                image, notes = read_picture(path, self.reading)
            except PictureError as error:
                report.fail(name, path, "read", error.code, str(error))
            else:
                report.notes.update(notes)
                yield Picture(number, name, path, image)


def stimulus_options(parser: Parser) -> None:
    """Add the options that say how pictures are read."""
    parser.option("stim", required=True, metavar="Stimulus", help="a .stim.csv file of pictures")
    parser.option("frame", type=count, default=1, metavar="N", help="which frame of a picture with several (default: 1)")
    parser.option("no-exif", action="store_true", help="do not turn pictures as their EXIF orientation says")
    parser.option(
        "float-range", type=finite, nargs=2, metavar=("BLACK", "WHITE"), help="read pictures of floats, between these values"
    )
    parser.option("max-pixels", type=count, metavar="N", help="read no larger pictures (default: 89 million pixels)")
    parser.option("allow-outside", action="store_true", help="read stimuli whose names lead out of path='s folder")
    parser.option("allow-duplicates", action="store_true", help="take a stimulus as often as the file names it")
    parser.option("max-errors", type=whole, metavar="N", help="stop when more than N pictures failed (default: never)")
    parser.option("strict", dest="max_errors", action="store_const", const=0, help="stop when a picture fails")


def _table(file: str) -> stim.Stimulus:
    if not file.endswith(stim.SUFFIX):
        raise Refused(f"-stim ({file}) must end in {stim.SUFFIX}")
    try:
        table = stim.read(file)
    except OSError as error:
        raise Refused(f"-stim ({file}) cannot be read: {error.strerror}") from None
    if table.type != "image":
        raise Refused(f"{file}: stimuli of type {table.type} are not supported; type=image is")
    return table


def _reading(options: argparse.Namespace) -> PictureOptions:
    if options.float_range is None:
        between = None
    else:
        low, high = options.float_range
        between = low, high
        if low >= high:
            raise Refused(f"-float-range (={low}) must be less than its second ({high})")
    return PictureOptions(options.frame - 1, not options.no_exif, between, options.max_pixels)


def _check_twice(file: str, names: Sequence[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        rows = [str(i + 1) for i, name in enumerate(names) if name == twice[0]]
        raise Refused(
            f"{file}: {twice[0]} is named by the stimuli {', '.join(rows[:5])}{' ...' if len(rows) > 5 else ''} (from 1); "
            "-allow-duplicates takes it each time"
        )


def _is_inside(name: str) -> bool:
    """Tell whether a stimID stays in its folder."""
    return not Path(name).is_absolute() and Path(os.path.normpath(name)).parts[:1] != ("..",)
