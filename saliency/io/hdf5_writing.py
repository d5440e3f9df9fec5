"""Write HDF5 files without a crash if the disk is full or the process is interrupted.

HDF5 crashes the process or leaves wrong values if a write fails. Here HDF5 writes to a Python file whose methods never raise:
the file keeps the first exception, which is raised when HDF5 has closed it. Signals are deferred meanwhile, because their
handlers could raise an exception inside h5py.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from saliency.core.interrupts import DeferredInterrupts
from saliency.io.atomic_write import atomic_write


class ErrorKeepingFile:
    """A file for HDF5 that keeps its first exception, of whatever kind, and discards all later writes.

    Args:
        file: the file to write to and read from.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        self._file, self._position, self._size = file, 0, 0
        self.error: BaseException | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position."""
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def write(self, data: Any) -> int:
        """Write all bytes; return their number."""
        rest = memoryview(data).cast("B")
        start, size = self._position, rest.nbytes
        while rest and self.error is None:
            written = self._keep_error(self._write_at, start + size - rest.nbytes, rest)
            rest = rest[written:]
        self._position = start + size
        self._size = max(self._size, self._position)
        return size

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; what was never written is zero."""
        view = memoryview(buffer).cast("B")
        done, count = 0, -1
        while done < view.nbytes and count:
            count = self._keep_error(self._read_at, self._position + done, view[done:])
            done += count
        view[done:] = bytes(view.nbytes - done)
        self._position += view.nbytes
        return view.nbytes

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def truncate(self, size: int) -> int:
        """Set the size of the file."""
        if self.error is None:
            self._keep_error(self._file.truncate, size)
        self._size = size
        return size

    def flush(self) -> None:
        """Do nothing: the file has no buffer."""

    def raise_error(self, name: Path) -> None:
        """Raise the first exception, if there was one; an OSError gets the name of the file."""
        if isinstance(self.error, OSError):
            raise OSError(self.error.errno, self.error.strerror, str(name)) from self.error
        if self.error is not None:
            raise self.error

    def _write_at(self, position: int, data: memoryview) -> int:
        self._file.seek(position)
        return self._file.write(data) or 0

    def _read_at(self, position: int, buffer: memoryview) -> int:
        self._file.seek(position)
        return self._file.readinto(buffer) or 0

    def _keep_error(self, function: Callable[..., int], *arguments: Any) -> int:
        """Call a function; if it raises, keep the exception and return 0."""
        try:
            return function(*arguments)
        except BaseException as error:  # it would pass through HDF5; `raise_error` raises it
            self.error = self.error or error
            return 0


class HDF5Writer:
    """A new HDF5 file. Between two of its calls, Ctrl-C and a failed write raise their exception.

    Args:
        stream: the Python file that HDF5 writes to.
        name: the file name for error messages.
        signals: the signals that are deferred while the file is open.
    """

    def __init__(self, stream: ErrorKeepingFile, name: Path, signals: DeferredInterrupts) -> None:
        self._stream, self._name, self._signals = stream, name, signals
        try:
            self._h5 = h5py.File(stream, "w")
        except Exception:
            stream.raise_error(name)
            raise

    def create_dataset(self, name: str, **options: Any) -> tuple[int, ...] | None:
        """Create a dataset with h5py's options; return the shape of its chunks, if it has chunks.

        Raises:
            OSError: if something could not be written.
        """
        self._raise_pending()
        chunks: tuple[int, ...] | None = self._h5.create_dataset(name, **options).chunks
        return chunks

    def write(self, name: str, where: Any, values: Any) -> None:
        """Write values into a part of a dataset.

        Raises:
            OSError: if something could not be written.
        """
        self._raise_pending()
        self._h5[name][where] = values

    def write_attributes(self, record: Mapping[str, Any]) -> None:
        """Write attributes of the file: texts and numbers as they are, other JSON values as text.

        Raises:
            OSError: if something could not be written.
        """
        self._raise_pending()
        for name, value in record.items():
            self._h5.attrs[name] = value if isinstance(value, str | int | float) else json.dumps(value)

    def close(self) -> None:
        """Close all datasets and the file.

        Raises:
            OSError: if something could not be written.
        """
        try:
            self._h5.close()
        finally:
            del self._h5  # here, because a signal in its weak references would be lost
            self._stream.raise_error(self._name)

    def _raise_pending(self) -> None:
        self._signals.deliver()
        self._stream.raise_error(self._name)


@contextmanager
def create_hdf5(path: Path) -> Iterator[HDF5Writer]:
    """Write an HDF5 file under a temporary name, and rename it if the block succeeds and all was written.

    Args:
        path: the final file. An existing file is replaced on success and kept otherwise.

    Raises:
        OSError: if the file cannot be created, or something could not be written.
    """
    with (
        DeferredInterrupts(every_signal=True) as signals,
        atomic_write(path) as temporary,
        io.FileIO(temporary, "rb+") as file,
    ):
        writer = HDF5Writer(ErrorKeepingFile(file), path, signals)
        try:
            yield writer
        finally:
            writer.close()
        signals.deliver()
