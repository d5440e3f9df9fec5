"""Write and read ``.npz`` files of maps, one array at a time."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.atomic_write import atomic_write
from saliency.io.working_file import open_working_file

Array = npt.NDArray[Any]

NUMBER, NAMES, PROVENANCE = "number", "stimID", "provenance"
"""The arrays of a file beside its maps: the numbers of the stimuli, counting from 1, their names, and a record as JSON."""


class NpzError(ValueError):
    """A file of maps is damaged."""


class NpzWriter:
    """Write an ``.npz`` file, one array at a time."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def add(self, name: str, array: npt.ArrayLike) -> None:
        """Write an array under a name."""
        with self._file.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


@contextmanager
def create_npz(path: Path) -> Iterator[NpzWriter]:
    """Write an ``.npz`` file, which appears when the block ends without an error.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        yield NpzWriter(file)


def read_maps(path: Path, way_on: str) -> Iterator[tuple[str, Array, Array]]:
    """Yield the name, the rows and the maps of each array of maps in an ``.npz`` file; rows count from 0.

    Args:
        path: the file.
        way_on: what the user can do if it is damaged, for the error.

    Raises:
        NpzError: if the file is damaged.
        OSError: if it cannot be read.
    """
    with open_working_file(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as maps:
                rows = _array(maps, NUMBER) - 1
                for name in (name for name in maps.files if name not in (NUMBER, NAMES, PROVENANCE)):
                    yield name, rows, _array(maps, name)
        except MemoryError:
            raise
        except Exception as error:  # NumPy and zipfile raise anything: BadZipFile, ValueError, KeyError, EOFError, zlib.error
            reason = (str(error).strip().splitlines() or [""])[0]
            raise NpzError(f"{path}: is damaged ({type(error).__name__}: {reason}); {way_on}") from error


def _array(maps: Any, name: str) -> Array:
    """Return an array of an open file. NumPy returns the bytes of an entry that does not begin as an array does."""
    array = maps[name]
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} is not an array")
    return array
