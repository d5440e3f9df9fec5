"""DNNBrain's ``.stim.csv``: a header of ``key=value`` lines, a ``data=`` line with the columns, a row per stimulus."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TYPES = ("image", "video", "video_clip")
EXAMPLE = "A stimulus file has lines like these: type=image | path=images | data=stimID,label | cat.jpg,281"


@dataclass(frozen=True)
class Stimulus:
    """Stimuli and what is known of each.

    Args:
        type: ``image``, ``video`` or ``video_clip``.
        path: folder of the pictures, or the video file, as the file says it.
        data: column -> (n,) array; ``stimID`` is text (whole numbers for a video), ``label`` whole, ``condition`` text,
            every other column float64.
        header: the other lines of the header, such as ``title``.
    """

    type: str
    path: str
    data: Mapping[str, npt.NDArray[Any]]
    header: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.data["stimID"])


def read(file: str | Path) -> Stimulus:
    """Read a ``.stim.csv`` file: UTF-8, with or without a byte order mark, blank lines and quotes allowed.

    Args:
        file: its path; the name must end in ``.stim.csv``.

    Raises:
        ValueError: if the name, the header or a row is not as the format wants it; the message names file and line.
        OSError: if it cannot be read.
    """
    file = Path(file)
    if not file.name.endswith(".stim.csv"):
        raise ValueError(f"{file}: the name must end in .stim.csv")
    lines = [(i, line.strip()) for i, line in enumerate(_text(file).split("\n"), start=1) if line.strip()]
    at = next((k for k, (_, line) in enumerate(lines) if line.partition("=")[0].strip() == "data"), None)
    if at is None:
        raise _wrong(file, f"has no data= line. {EXAMPLE}")
    header = dict(_header(file, lines[:at]))
    columns = [name.strip() for name in lines[at][1].partition("=")[2].split(",")]
    if "stimID" not in columns or len(set(columns)) < len(columns):
        raise _wrong(file, f"line {lines[at][0]}: data= ({', '.join(columns)}) must name stimID, and every column once")
    rows = list(_rows(file, lines[at + 1 :], len(columns)))
    if not rows:
        raise _wrong(file, "has no stimuli: no row follows the data= line")
    kind, path = header.pop("type"), header.pop("path")
    data = {name: _column(file, name, [(i, row[k]) for i, row in rows], kind) for k, name in enumerate(columns)}
    return Stimulus(kind, path, data, header)


def _text(file: Path) -> str:
    if file.exists() and not file.is_file():
        raise ValueError(f"{file}: must be a regular file")
    raw = file.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def _header(file: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    found = []
    for i, line in lines:
        key, equals, value = line.partition("=")
        if not equals:
            raise _wrong(file, f"line {i} ({line!r}) must be key=value")
        found.append(key.strip())
        yield key.strip(), value.strip()
        if key.strip() == "type" and value.strip() not in TYPES:
            raise _wrong(file, f"line {i}: type (={value.strip()!r}) must be one of {', '.join(TYPES)}")
    for key in ("type", "path"):
        if key not in found:
            raise _wrong(file, f"has no {key}= line. {EXAMPLE}")


def _rows(file: Path, lines: list[tuple[int, str]], width: int) -> Iterator[tuple[int, list[str]]]:
    for i, line in lines:
        try:
            (cells,) = csv.reader([line], skipinitialspace=True)
        except csv.Error as error:
            raise _wrong(file, f"line {i} can't be read: {error}") from None
        if len(cells) == width + 1 and not cells[-1]:  # a comma at the end
            cells.pop()
        if len(cells) != width:
            raise _wrong(file, f"line {i} has {len(cells)} fields; the data= line names {width}")
        yield i, [cell.strip() for cell in cells]


def _column(file: Path, name: str, cells: list[tuple[int, str]], kind: str) -> npt.NDArray[Any]:
    whole = name == "label" or (name == "stimID" and kind == "video")
    if name == "condition" or (name == "stimID" and not whole):
        return np.array([cell for _, cell in cells])
    numbers = []
    for i, cell in cells:
        try:
            numbers.append(float(cell))
        except ValueError:
            raise _wrong(file, f"line {i}: {name} (={cell!r}) must be a number") from None
        if whole and not (numbers[-1].is_integer() and abs(numbers[-1]) < 2**53):
            raise _wrong(file, f"line {i}: {name} (={cell!r}) must be a whole number")
    return np.array(numbers, dtype=np.int64 if whole else np.float64)


def _wrong(file: Path, what: str) -> ValueError:
    return ValueError(f"{file}: {what}")
