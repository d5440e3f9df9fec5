"""The columns of ``.stim.csv`` files: cells from lines, and arrays from cells."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.text_lines import file_error

NAMES = ("class", "mask")
"""Columns that hold names of classes or of files, unless all of their values are numbers."""


def as_column(file: Path, name: str, values: Any) -> npt.NDArray[Any]:
    """Return a column as an array of numbers, texts or objects."""
    try:
        column = np.asarray(values)
    except Exception as error:  # NumPy and the frameworks raise different types
        raise file_error(file, f"data: {name} ({type(values).__name__}) must hold numbers or texts: {error}") from None
    if column.dtype.kind == "V":
        raise file_error(file, f"data: {name} ({column.dtype}) must hold numbers or texts")
    return column


def parse_rows(file: Path, lines: list[tuple[int, str]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and its cells.

    Args:
        file: the file, for errors.
        lines: the numbered lines behind the ``data=`` line.
        width: the number of columns.

    Raises:
        ValueError: if a line has another number of cells, or cannot be read.
    """
    for i, line in lines:
        try:
            (cells,) = csv.reader([line], skipinitialspace=True)
        except csv.Error as error:
            raise file_error(file, f"line {i} can't be read: {error}") from None
        if len(cells) == width + 1 and not cells[-1]:  # a comma at the end
            cells.pop()
        if len(cells) != width:
            hint = " (put quotation marks around a name with a comma)"
            raise file_error(file, f"line {i} has {len(cells)} fields; the data= line names {width}{hint}")
        yield i, [cell.strip() for cell in cells]


def read_column(file: Path, name: str, cells: list[tuple[int, str]], stimulus_type: str) -> npt.NDArray[Any]:
    """Parse a column of a file, in which ``class`` and ``mask`` may hold names."""
    if name in NAMES and not all(_is_number(cell) for _, cell in cells):
        return np.array([cell for _, cell in cells])
    return parse_column(file, name, cells, stimulus_type)


def _is_number(cell: str) -> bool:
    with suppress(ValueError):
        float(cell)
        return True
    return False


def parse_column(file: Path, name: str, cells: list[tuple[int, str]], stimulus_type: str) -> npt.NDArray[Any]:
    """Return a column as an array of texts, or of numbers.

    Args:
        file: the file, for errors.
        name: of the column.
        cells: the number of each line, and its text.
        stimulus_type: one of ``TYPES``.

    Raises:
        ValueError: if a cell is no number and the column holds numbers.
    """
    is_integer = name == "label" or (name == "stimID" and stimulus_type == "video")
    if name == "condition" or (name == "stimID" and not is_integer):
        return np.array([cell for _, cell in cells])
    numbers = []
    for i, cell in cells:
        try:
            numbers.append(float(cell))
        except ValueError:
            hint = "; text goes into the column condition" if cell else ""
            raise file_error(file, f"line {i}: {name} (={cell!r}) must be a number{hint}") from None
        if is_integer and not (numbers[-1].is_integer() and abs(numbers[-1]) < 2**53):
            raise file_error(file, f"line {i}: {name} (={cell!r}) must be a whole number")
    return np.array(numbers, dtype=np.int64 if is_integer else np.float64)
