"""Write HDF5 files to a disk that may fill up.

HDF5 crashes the process when a write fails. Here HDF5 writes to a Python file that records the error instead of raising it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py


class _ErrorRecordingFile(io.FileIO):
    """A file that records its first write error and discards all later writes."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        rest = memoryview(data).cast("B")
        while rest and self.error is None:
            try:
                rest = rest[super().write(rest) or 0 :]
            except OSError as error:
                self.error = error
        if self.error is not None:
            self.seek(size, io.SEEK_CUR)
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0


class HDF5Writer:
    """A new HDF5 file and the write errors that HDF5 does not report.

    Args:
        h5: the file to create datasets in.
        stream: the Python file that HDF5 writes to.
        name: the file name for error messages.
    """

    def __init__(self, h5: h5py.File, stream: _ErrorRecordingFile, name: Path) -> None:
        self.h5, self._stream, self._name = h5, stream, name

    def raise_write_error(self) -> None:
        """Raise the first write error, if there was one.

        Raises:
            OSError: if something could not be written.
        """
        error = self._stream.error
        if error is not None:
            raise OSError(error.errno, error.strerror, str(self._name)) from error


@contextmanager
def create_hdf5(file: Path, name: Path) -> Iterator[HDF5Writer]:
    """Create an HDF5 file for writing.

    Args:
        file: its path, which may be a temporary one.
        name: the file name for error messages.

    Raises:
        OSError: if the file cannot be created, or something could not be written.
    """
    with _ErrorRecordingFile(file, "w+b") as stream:
        with h5py.File(stream, "w") as h5:
            writer = HDF5Writer(h5, stream, name)
            yield writer
        writer.raise_write_error()
