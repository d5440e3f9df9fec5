"""Arrays of N rows in a Zarr folder (format 3), one shard for each part that is written."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.array_store import missing_value
from saliency.io.working_file import remove_working_folder


class ZarrStore:
    """An ``ArrayStore`` in a Zarr group."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def create(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], rows: int) -> None:
        """Create an array (N, ...). Each row is a chunk, and ``rows`` chunks are a shard, which only one part writes."""
        chunks, shards = (1, *shape[1:]), (rows, *shape[1:])
        self._group.create_array(name, shape=shape, dtype=dtype, chunks=chunks, shards=shards, fill_value=missing_value(dtype))

    def write(self, name: str, rows: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
        """Write rows, in ascending order, of an array, in one piece: Zarr's selection by numbers fails for shards."""
        array, first = self._group[name], int(rows[0])
        piece = np.full((int(rows[-1]) + 1 - first, *values.shape[1:]), missing_value(values.dtype), values.dtype)
        piece[rows - first] = values
        array[first : first + len(piece)] = piece

    def put(self, name: str, values: npt.NDArray[Any]) -> None:
        """Create an array of numbers or texts with all its values."""
        number = values.dtype.kind in "fiu"
        array = self._group.create_array(name, shape=values.shape, dtype=values.dtype if number else str, chunks=values.shape)
        array[:] = values

    def describe(self, record: Mapping[str, Any]) -> None:
        """Write a record as attributes of the group, all at once: a value that Zarr rejects would stay in memory."""
        self._group.attrs.update(dict(record))


@contextmanager
def create_zarr(path: Path) -> Iterator[ZarrStore]:
    """Write a Zarr folder under a hidden name, and rename it when the block ends without an error.

    Raises:
        ImportError: if Zarr is not installed.
        WorkingFileError: if the hidden name belongs to somebody else.
    """
    try:
        import zarr
    except ImportError as error:
        raise ImportError("a .zarr folder needs Zarr: pip install 'saliency-masks[zarr]'") from error
    new, old = path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")
    for leftover in (new, old):
        remove_working_folder(leftover)
    new.mkdir()
    try:
        yield ZarrStore(zarr.open_group(str(new), mode="w"))
        if os.path.lexists(path):
            path.rename(old)
        new.rename(path)
        remove_working_folder(old)
    finally:
        remove_working_folder(new)
