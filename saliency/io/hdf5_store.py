"""Arrays of N rows in an HDF5 file, with a checksum for each row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from saliency.io.array_store import missing_value
from saliency.io.hdf5_writing import HDF5Writer, create_hdf5


class HDF5Store:
    """An ``ArrayStore`` in an HDF5 file. HDF5 refuses to read a row whose bytes have changed."""

    def __init__(self, writer: HDF5Writer) -> None:
        self._writer = writer

    def create(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], rows: int) -> None:  # noqa: ARG002 - a chunk each
        """Create an array (N, ...); each row is a chunk."""
        options = {"chunks": (1, *shape[1:]), "fletcher32": True, "fillvalue": missing_value(dtype)}
        self._writer.create_dataset(name, shape=shape, dtype=dtype, **options)

    def write(self, name: str, rows: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
        """Write rows, in ascending order, of an array."""
        self._writer.write(name, rows, values)

    def put(self, name: str, values: npt.NDArray[Any]) -> None:
        """Create an array of numbers or texts with all its values."""
        if values.dtype.kind in "fiu":
            self._writer.create_dataset(name, data=values)
        else:
            self._writer.create_dataset(name, data=values.tolist(), dtype=h5py.string_dtype())

    def describe(self, record: Mapping[str, Any]) -> None:
        """Write a record as attributes of the file."""
        self._writer.write_attributes(record)


@contextmanager
def create_hdf5_store(path: Path) -> Iterator[HDF5Store]:
    """Write an HDF5 file, which appears when the block ends without an error."""
    with create_hdf5(path) as writer:
        yield HDF5Store(writer)
