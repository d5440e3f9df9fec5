"""DNNBrain's ``.stim.csv`` files: ``key=value`` header lines, a ``data=`` line with the columns, a row per stimulus."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.atomic_write import atomic_write
from saliency.io.stim_columns import as_column, parse_column, parse_rows, read_column
from saliency.io.text_lines import encode_text, file_error, file_path, numbered_lines

SUFFIX = ".stim.csv"
TYPES = ("image", "video", "video_clip")
EXAMPLE = "A stimulus file has lines like these: type=image | path=images | data=stimID,label | cat.jpg,281"


@dataclass(frozen=True)
class Stimulus:
    """A table of stimuli.

    Args:
        type: ``image``, ``video`` or ``video_clip``.
        path: folder of the pictures, or the video file, as written in the file.
        data: name of a column -> array (n,). ``stimID`` is text (integers for a video), ``label`` integers, ``condition``
            text, and every other column float64. ``class`` and ``mask`` are text if they have names; DNNBrain does not read
            such a file.
        header: the other header lines, such as ``title``.
    """

    type: str
    path: str
    data: Mapping[str, npt.NDArray[Any]]
    header: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.data["stimID"])


def read(file: str | Path) -> Stimulus:
    """Read a ``.stim.csv`` file.

    Args:
        file: path whose name ends in ``.stim.csv``; UTF-8, with or without a byte order mark. Blank lines are skipped, and
            values may be quoted.

    Raises:
        ValueError: if the suffix is wrong, or the header or a row is invalid; the message contains the file and the line
            number.
        OSError: if the file cannot be read.
    """
    file = file_path(file, SUFFIX)
    lines = list(numbered_lines(file, SUFFIX))
    split = next((k for k, (_, line) in enumerate(lines) if line.partition("=")[0].strip() == "data"), None)
    if split is None:
        raise file_error(file, f"has no data= line. {EXAMPLE}")
    header = dict(_parse_header(file, lines[:split]))
    columns = [name.strip() for name in lines[split][1].partition("=")[2].split(",")]
    if "stimID" not in columns or len(set(columns)) < len(columns):
        raise file_error(file, f"line {lines[split][0]}: data= ({', '.join(columns)}) must name stimID, and every column once")
    rows = list(parse_rows(file, lines[split + 1 :], len(columns)))
    if not rows:
        raise file_error(file, "has no stimuli: no row follows the data= line")
    stimulus_type, path = header.pop("type"), header.pop("path")
    data = {name: read_column(file, name, [(i, row[k]) for i, row in rows], stimulus_type) for k, name in enumerate(columns)}
    return Stimulus(stimulus_type, path, data, header)


def write(stimulus: Stimulus, file: str | Path) -> None:
    """Write a ``.stim.csv`` file with the same bytes as DNNBrain.

    The file does not end with a line break. Where all columns are numbers, 1 is written as 1.0.

    Args:
        stimulus: the table. The format has no quotes: a text must not contain a comma, a quotation mark or a line break, and
            must not begin or end with whitespace. Header values must not contain '='.
        file: path whose name ends in ``.stim.csv``.

    Raises:
        ValueError: if the suffix is wrong, or DNNBrain would not read the same table from the file.
        OSError: if the file cannot be written.
    """
    file = file_path(file, SUFFIX)
    _check_types(file, stimulus)
    header = {"type": stimulus.type, "path": stimulus.path, **stimulus.header}
    columns = {name: as_column(file, name, values) for name, values in stimulus.data.items()}
    _check_header(file, stimulus)
    _check_texts(file, columns, ',="')
    if "stimID" not in columns or {column.shape for column in columns.values()} != {(len(stimulus),)} or not len(stimulus):
        raise file_error(file, f"data ({', '.join(columns)}) must hold stimID, and columns of the same length, 1 or more")
    rows = np.array(list(columns.values())).astype(str).T.tolist()
    for name, cells in zip(columns, zip(*rows, strict=True), strict=True):
        _check_texts(file, cells, ',"')
        parse_column(file, name, list(enumerate(cells, start=len(header) + 2)), stimulus.type)
    head = [f"{key}={value}" for key, value in header.items()]
    content = encode_text(file, "\n".join([*head, f"data={','.join(columns)}", *map(",".join, rows)]))
    with atomic_write(file) as temporary:
        temporary.write_bytes(content)


def _check_types(file: Path, stimulus: Stimulus) -> None:
    """Check what the table holds, before its texts are."""
    for name in ("header", "data"):
        table = getattr(stimulus, name)
        if not isinstance(table, Mapping) or not all(isinstance(key, str) for key in table):
            raise file_error(file, f"`{name}` ({type(table).__name__}) must be a mapping from names")
    texts = {"type": stimulus.type, "path": stimulus.path, **stimulus.header}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong:
        raise file_error(file, f"`{wrong[0]}` ({type(texts[wrong[0]]).__name__}) must be a string")


def _check_header(file: Path, stimulus: Stimulus) -> None:
    if stimulus.type not in TYPES:
        raise file_error(file, f"type (={stimulus.type!r}) must be one of {', '.join(TYPES)}")
    if reserved := {"type", "path", "data"} & set(stimulus.header):
        raise file_error(file, f"`header` must not hold {', '.join(sorted(reserved))}; set the fields of `Stimulus` instead")
    _check_texts(file, [text for text in (stimulus.path, *stimulus.header.values()) if text], "=")
    _check_texts(file, stimulus.header, "=")


def _check_texts(file: Path, texts: Iterable[str], forbidden: str) -> None:
    for text in texts:
        if text != text.strip() or len(text.splitlines()) != 1 or set(forbidden) & set(text):
            rule = f"a text must have no whitespace at its ends, no line break, none of {forbidden}, and not be empty"
            raise file_error(file, f"cannot hold {text!r}: {rule}")


def _parse_header(file: Path, lines: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    keys = []
    for i, line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise file_error(file, f"line {i} ({line!r}) must be key=value")
        if key in keys:
            raise file_error(file, f"line {i}: {key}= is repeated; each key must occur once")
        keys.append(key)
        yield key, value
        if key == "type" and value not in TYPES:
            raise file_error(file, f"line {i}: type (={value!r}) must be one of {', '.join(TYPES)}")
    for key in ("type", "path"):
        if key not in keys:
            raise file_error(file, f"has no {key}= line. {EXAMPLE}")
