"""Read untrusted HDF5 files: follow no links, reject oversized datasets, raise one error for damaged files."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import h5py

MAX_UNCHECKED_BYTES = 64 * 2**20  # a dataset up to this size may store fewer bytes than it declares
MAX_COMPRESSION_RATIO = 2000  # gzip reaches at most 1032
MAX_CHUNK_BYTES = 2**28  # HDF5 reads a chunk into memory as a whole, and again for each block of values inside it


class HDF5Error(ValueError):
    """A file that is not HDF5, is in use or damaged, or contains unsupported objects."""


@contextmanager
def open_hdf5(file: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading and raise every failure inside the block as ``HDF5Error``.

    Raises:
        HDF5Error: if the file is not a regular file, not HDF5, damaged, or being written by a process.
        OSError: if the file is missing or must not be read.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise HDF5Error(f"{file}: must be a regular file")
    with file.open("rb"):
        pass
    try:
        with h5py.File(file, "r") as h5:
            yield h5
    except (HDF5Error, MemoryError):
        raise
    except Exception as error:  # h5py raises anything: OSError, RuntimeError, KeyError, ValueError, TypeError
        raise HDF5Error(f"{file}: {_problem(error)} ({' '.join(str(error).split())})") from error


def _problem(error: Exception) -> str:
    """Return what is wrong with a file, by h5py's error."""
    if isinstance(error, BlockingIOError):
        return "is in use: a process is writing it; read it when that process has closed it"
    if "already open for write" in str(error):  # HDF5 marks files of its latest format, also after their writer was killed
        return "is in use: it is marked as open for writing; if its writer was killed, run h5clear -s on it"
    if "unable to lock file" in str(error):
        return "cannot be locked on this file system; if no process is writing it, set HDF5_USE_FILE_LOCKING=FALSE"
    return "cannot be read as HDF5; it is damaged, incomplete or not an HDF5 file"


def find_datasets(file: Path, h5: h5py.File) -> dict[str, h5py.Dataset]:
    """Return path -> dataset for all datasets, including those in groups.

    Raises:
        HDF5Error: if the file contains a soft, external or other link, or a group with two paths.
    """
    datasets: dict[str, h5py.Dataset] = {}
    visited: set[int] = set()
    pending: list[tuple[str, h5py.Group]] = [("", h5)]
    while pending:
        prefix, group = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in visited:
            raise HDF5Error(f"{file}: the group {prefix.rstrip('/')} can be reached by two paths; each group must have one")
        visited.add(address)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise HDF5Error(f"{file}: {prefix}{name} is a link, which is not followed; copy the dataset there instead")
            item = group[name]
            if isinstance(item, h5py.Group):
                pending.append((f"{prefix}{name}/", item))
            elif isinstance(item, h5py.Dataset):
                datasets[f"{prefix}{name}"] = item
    return datasets


def check_dataset(file: Path, name: str, dataset: h5py.Dataset) -> None:
    """Check that a dataset stores numbers, in this file, and about as many bytes as it declares.

    Raises:
        HDF5Error: if it does not; the message contains the file and the dataset.
    """
    shape = dataset.shape or ()
    declared, stored = prod(shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    chunk = prod(dataset.chunks or (1,)) * dataset.dtype.itemsize
    if dataset.external or dataset.is_virtual:
        problem = "stores its values in other files, which are not read"
    elif dataset.dtype.kind not in "fiu":
        problem = f"has values of type {dataset.dtype}; only integers and floating-point numbers are supported"
    elif not 2 <= len(shape) <= 4 or 0 in shape:
        problem = f"has shape {shape}; it must be (stimuli, channels, rows, columns), none of them 0"
    elif declared > MAX_UNCHECKED_BYTES and declared > MAX_COMPRESSION_RATIO * stored:
        problem = f"declares {declared} bytes and stores {stored}: the file is incomplete or crafted to exhaust memory"
    elif chunk > MAX_CHUNK_BYTES:
        remedy = "store it in smaller ones, as with h5repack -l"
        problem = f"is stored in chunks of {chunk} bytes; chunks must not exceed {MAX_CHUNK_BYTES} bytes; {remedy}"
    else:
        return
    raise HDF5Error(f"{file}: {name} {problem}")


def file_version(file: Path) -> tuple[int, ...]:
    """Return numbers that change when the file is rewritten: device, inode, size and modification time."""
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
