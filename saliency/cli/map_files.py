"""Save maps as numbers: one ``.npz`` file per figure, or one ``.h5`` file for all stimuli."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saliency.io.atomic_write import atomic_write
from saliency.io.hdf5_writing import create_hdf5

Array = npt.NDArray[Any]


class MapWriter:
    """Write an ``.npz`` file, one array at a time."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def add(self, name: str, array: Array) -> None:
        """Write an array under a name."""
        with self._file.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


@contextmanager
def open_map_writer(path: Path, names: Sequence[str], numbers: Sequence[int]) -> Iterator[MapWriter]:
    """Write the maps of n stimuli: ``stimID``, ``number``, and the arrays that the block adds.

    Args:
        path: path of the file, which appears when the block ends without an error.
        names: stimIDs.
        numbers: numbers of the stimuli in their file, counting from 1.
    """
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        maps = MapWriter(file)
        maps.add("stimID", np.asarray(names, np.str_))
        maps.add("number", np.asarray(numbers, np.int64))
        yield maps


def merge_map_files(parts: Iterable[Path], names: Sequence[str], path: Path) -> None:
    """Merge ``.npz`` files into one HDF5 file: ``stimID``, and a dataset (stimuli, *map) per channel.

    Args:
        parts: the ``.npz`` files.
        names: stimIDs of all stimuli.
        path: path of the HDF5 file. A stimulus that is in none of the parts is NaN.

    Raises:
        OSError: if the file cannot be written.
    """
    with atomic_write(path) as temporary, create_hdf5(temporary, path) as h5:
        h5.h5.create_dataset("stimID", data=list(names), dtype=h5py.string_dtype())
        for part in parts:
            with np.load(part) as maps:
                rows = maps["number"] - 1
                for channel in (name for name in maps.files if name not in ("stimID", "number")):
                    values = maps[channel]
                    if channel not in h5.h5:
                        h5.h5.create_dataset(channel, (len(names), *values.shape[1:]), values.dtype, fillvalue=np.nan)
                    h5.h5[channel][rows] = values
                    h5.raise_write_error()
