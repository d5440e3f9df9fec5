"""HDF5 files from anywhere: nothing outside the file is followed, nothing huge is believed, one error for what is broken."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import h5py

MOST_ZEROS = 64 * 2**20  # bytes that a dataset may declare whatever it stores
MOST_PRESSED = 2000  # gzip makes at most 1032 bytes of one
MOST_PIECE = 2**30  # bytes of a piece, which HDF5 holds in memory as a whole


class HDF5Error(ValueError):
    """A file that is no HDF5 file, is damaged, or holds what is not read."""


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """Open a file to read; whatever goes wrong with it inside the block is one error.

    Raises:
        HDF5Error: if it is no regular file, no HDF5 file, or damaged.
        OSError: if it is missing or may not be read.
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
        what = " ".join(str(error).split())
        raise HDF5Error(f"{file}: cannot be read as HDF5; it is damaged, incomplete, or something else ({what})") from error


def datasets(file: Path, h5: h5py.File) -> dict[str, h5py.Dataset]:
    """Return path -> dataset of all there are, those in groups too, without following a link.

    Raises:
        HDF5Error: if there is a soft, external or other link, or a group that can be reached in two ways.
    """
    found: dict[str, h5py.Dataset] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, h5py.Group]] = [("", h5)]
    while waiting:
        prefix, group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise HDF5Error(f"{file}: {prefix.rstrip('/')} is a group that stands in two places")
        seen.add(address)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise HDF5Error(f"{file}: {prefix}{name} is a link; links are not followed, copy the dataset to its place")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append((f"{prefix}{name}/", item))
            elif isinstance(item, h5py.Dataset):
                found[f"{prefix}{name}"] = item
    return found


def check(file: Path, name: str, dataset: h5py.Dataset) -> None:
    """Check that a dataset holds numbers, in this file, and about as many as it says.

    Raises:
        HDF5Error: if not; the message names file and dataset.
    """
    shape = dataset.shape or ()
    declared, stored = prod(shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    piece = prod(dataset.chunks or (1,)) * dataset.dtype.itemsize
    if dataset.external or dataset.is_virtual:
        what = "keeps its values in other files, which are not read"
    elif dataset.dtype.kind not in "fiu":
        what = f"holds values of type {dataset.dtype}; only whole and floating-point numbers are read"
    elif not 2 <= len(shape) <= 4 or 0 in shape:
        what = f"has shape {shape}; it must be (stimuli, channels, rows, columns), none of them 0"
    elif declared > MOST_ZEROS and declared > MOST_PRESSED * stored:
        what = f"declares {declared} bytes and stores {stored}: it is incomplete, or made to fill the memory"
    elif piece > MOST_PIECE:
        what = f"is stored in pieces of {piece} bytes; at most {MOST_PIECE} are read at once"
    else:
        return
    raise HDF5Error(f"{file}: {name} {what}")


def version(file: Path) -> tuple[int, ...]:
    """Return what is different once a file was written anew."""
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
