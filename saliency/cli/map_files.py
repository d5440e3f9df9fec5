"""Save maps as numbers: one ``.npz`` file per figure, or one ``.h5`` file for all stimuli."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saliency.cli.options import CommandError
from saliency.core.errors import one_line
from saliency.io.atomic_write import atomic_write
from saliency.io.hdf5_writing import create_hdf5
from saliency.io.working_file import open_working_file

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

    Each dataset has checksums: HDF5 refuses to read a map whose bytes have changed.

    Args:
        parts: the ``.npz`` files.
        names: stimIDs of all stimuli.
        path: path of the HDF5 file. A stimulus that is in none of the parts is NaN.

    Raises:
        CommandError: if a part is damaged.
        OSError: if the file cannot be written.
    """
    with create_hdf5(path) as h5:
        h5.create_dataset("stimID", data=list(names), dtype=h5py.string_dtype())
        created = set()
        for part in parts:
            for channel, rows, values in _read_maps(part):
                if channel not in created:
                    shape = (len(names), *values.shape[1:])
                    chunks = (1, *values.shape[1:])
                    h5.create_dataset(
                        channel, shape=shape, dtype=values.dtype, chunks=chunks, fletcher32=True, fillvalue=np.nan
                    )
                    created.add(channel)
                h5.write(channel, rows, values)


def _read_maps(part: Path) -> Iterator[tuple[str, Array, Array]]:
    """Yield the name, the rows and the maps of each channel in an ``.npz`` file."""
    with open_working_file(part, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as maps:
                rows = maps["number"] - 1
                for channel in (name for name in maps.files if name not in ("stimID", "number")):
                    yield channel, rows, maps[channel]
        except MemoryError:
            raise
        except Exception as error:  # NumPy and zipfile raise anything: BadZipFile, ValueError, KeyError, EOFError, zlib.error
            way_on = "run the same command again, which computes its maps again"
            raise CommandError(f"{part}: is damaged ({one_line(error)}); {way_on}") from error
