"""DNNBrain's ``.stim.csv``: a header of ``key=value`` lines, a ``data=`` line with the columns, a row per stimulus."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.atomic_write import replacing
from saliency.io.text_lines import check_suffix, numbered, wrong

SUFFIX = ".stim.csv"
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
    lines = list(numbered(file, SUFFIX))
    at = next((k for k, (_, line) in enumerate(lines) if line.partition("=")[0].strip() == "data"), None)
    if at is None:
        raise wrong(file, f"has no data= line. {EXAMPLE}")
    header = dict(_header(file, lines[:at]))
    columns = [name.strip() for name in lines[at][1].partition("=")[2].split(",")]
    if "stimID" not in columns or len(set(columns)) < len(columns):
        raise wrong(file, f"line {lines[at][0]}: data= ({', '.join(columns)}) must name stimID, and every column once")
    rows = list(_rows(file, lines[at + 1 :], len(columns)))
    if not rows:
        raise wrong(file, "has no stimuli: no row follows the data= line")
    kind, path = header.pop("type"), header.pop("path")
    data = {name: _column(file, name, [(i, row[k]) for i, row in rows], kind) for k, name in enumerate(columns)}
    return Stimulus(kind, path, data, header)


def write(stimulus: Stimulus, file: str | Path) -> None:
    """Write a ``.stim.csv`` file as DNNBrain does: no line break at its end; 1.0 for 1 where all columns are numbers.

    Raises:
        ValueError: if the name ends otherwise, or DNNBrain would not read what was written as it is here; the format has no
            quotes, so no comma, quotation mark, line break or blank at an end may be in a text, nor '=' in the header.
        OSError: if it cannot be written.
    """
    file = Path(file)
    check_suffix(file, SUFFIX)
    header = {"type": stimulus.type, "path": stimulus.path, **stimulus.header}
    columns = {name: np.asarray(column) for name, column in stimulus.data.items()}
    _check_header(file, stimulus)
    _check_texts(file, columns, ',="')
    if "stimID" not in columns or {column.shape for column in columns.values()} != {(len(stimulus),)} or not len(stimulus):
        raise wrong(file, f"data ({', '.join(columns)}) must hold stimID, and columns of one length, 1 or more")
    rows = np.array(list(columns.values())).astype(str).T.tolist()
    for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
        _check_texts(file, cells, ',"')
        _column(file, name, list(enumerate(cells, start=len(header) + 2)), stimulus.type)
    head = [f"{key}={value}" for key, value in header.items()]
    with replacing(file) as temporary:
        temporary.write_bytes("\n".join([*head, f"data={','.join(columns)}", *map(",".join, rows)]).encode())


def _check_header(file: Path, stimulus: Stimulus) -> None:
    if stimulus.type not in TYPES:
        raise wrong(file, f"type (={stimulus.type!r}) must be one of {', '.join(TYPES)}")
    if reserved := {"type", "path", "data"} & set(stimulus.header):
        raise wrong(file, f"`header` must not hold {', '.join(sorted(reserved))}, which have their own places")
    _check_texts(file, [text for text in (stimulus.path, *stimulus.header.values()) if text], "=")
    _check_texts(file, stimulus.header, "=")


def _check_texts(file: Path, texts: Iterable[str], barred: str) -> None:
    for text in texts:
        if text != text.strip() or len(text.splitlines()) != 1 or set(barred) & set(text):
            raise wrong(file, f"cannot hold {text!r}: a text must have no blank at its ends, no line break, none of {barred}")


def _header(file: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    found = []
    for i, line in lines:
        key, equals, value = line.partition("=")
        if not equals:
            raise wrong(file, f"line {i} ({line!r}) must be key=value")
        if key.strip() in found:
            raise wrong(file, f"line {i}: {key.strip()}= is given before")
        found.append(key.strip())
        yield key.strip(), value.strip()
        if key.strip() == "type" and value.strip() not in TYPES:
            raise wrong(file, f"line {i}: type (={value.strip()!r}) must be one of {', '.join(TYPES)}")
    for key in ("type", "path"):
        if key not in found:
            raise wrong(file, f"has no {key}= line. {EXAMPLE}")


def _rows(file: Path, lines: list[tuple[int, str]], width: int) -> Iterator[tuple[int, list[str]]]:
    for i, line in lines:
        try:
            (cells,) = csv.reader([line], skipinitialspace=True)
        except csv.Error as error:
            raise wrong(file, f"line {i} can't be read: {error}") from None
        if len(cells) == width + 1 and not cells[-1]:  # a comma at the end
            cells.pop()
        if len(cells) != width:
            hint = " (quotation marks hold a comma in a name)"
            raise wrong(file, f"line {i} has {len(cells)} fields; the data= line names {width}{hint}")
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
            raise wrong(file, f"line {i}: {name} (={cell!r}) must be a number") from None
        if whole and not (numbers[-1].is_integer() and abs(numbers[-1]) < 2**53):
            raise wrong(file, f"line {i}: {name} (={cell!r}) must be a whole number")
    return np.array(numbers, dtype=np.int64 if whole else np.float64)
