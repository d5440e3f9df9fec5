"""HDF5 files on a disk that may be full: HDF5 crashes the process when it cannot write, so here it never learns of that."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py


class _Disk(io.FileIO):
    """A file that keeps the first error of writing to itself, and from then on takes what it is given for written."""

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


class Writing:
    """A new HDF5 file."""

    def __init__(self, h5: h5py.File, disk: _Disk, name: Path) -> None:
        self.h5, self._disk, self._name = h5, disk, name

    def check(self) -> None:
        """Check that all that was written until now is in the file.

        Raises:
            OSError: if it is not.
        """
        error = self._disk.error
        if error is not None:
            raise OSError(error.errno, error.strerror, str(self._name)) from error


@contextmanager
def created(file: Path, name: Path) -> Iterator[Writing]:
    """Create an HDF5 file for writing.

    Args:
        file: its path.
        name: what errors call it; it may be written under a temporary name.

    Raises:
        OSError: if it cannot be created, or something could not be written.
    """
    with _Disk(file, "w+b") as disk:
        with h5py.File(disk, "w") as h5:
            writing = Writing(h5, disk, name)
            yield writing
        writing.check()
