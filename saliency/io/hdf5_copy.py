"""Copy the groups, attributes and datasets of an untrusted HDF5 file into a new file.

A damaged file can make the HDF5 library loop for ever, where no signal handler of Python runs. The copy is therefore made in a
process that can be killed, and the caller reads only the copy, whose structures the library itself has written.
"""

import io
import shutil
import sys
import zipfile
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import h5py

MAX_UNCHECKED_BYTES = 2**20  # a dataset up to this size may store fewer bytes than it declares
MAX_COMPRESSION_RATIO = 2000  # gzip reaches at most 1032


class CopyError(ValueError):
    """A file that is not copied; the message is the reason."""


class HDF5Copier:
    """Copy HDF5 files up to a total size.

    Args:
        max_bytes: largest number of bytes that the datasets of all files may declare.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes, self._left = max_bytes, max_bytes

    def copy(self, source: str | BinaryIO, target: str) -> None:
        """Copy a file.

        Raises:
            CopyError: if it contains links or external data, or its datasets declare too many bytes.
            Exception: whatever h5py raises for a damaged file.
        """
        with h5py.File(source, "r") as read, h5py.File(target, "w") as written:
            self._copy_group(read, written, set())

    def _copy_group(self, source: Any, target: Any, visited: set[int]) -> None:
        address = h5py.h5o.get_info(source.id).addr
        if address in visited:
            raise CopyError(f"the group {source.name} can be reached by two paths")
        visited.add(address)
        _copy_attributes(source, target)
        for name in source:
            if not isinstance(source.get(name, getlink=True), h5py.HardLink):
                raise CopyError(f"{source.name}: {name} is a link, which is not followed")
            item = source[name]
            if isinstance(item, h5py.Group):
                self._copy_group(item, target.create_group(name), visited)
            elif isinstance(item, h5py.Dataset):
                self._check(item)
                data = target.create_dataset(name, shape=item.shape, dtype=item.dtype, data=item[()])
                _copy_attributes(item, data)

    def _check(self, dataset: Any) -> None:
        declared = prod(dataset.shape or ()) * dataset.dtype.itemsize
        self._left -= declared
        if dataset.external or dataset.is_virtual:
            raise CopyError(f"{dataset.name} stores its values in other files, which are not read")
        if self._left < 0:
            raise CopyError(f"its datasets declare more than {self._max_bytes} bytes; {LIMIT_HINT}")
        stored = dataset.id.get_storage_size()
        if declared > MAX_UNCHECKED_BYTES and declared > MAX_COMPRESSION_RATIO * stored:
            raise CopyError(f"{dataset.name} declares {declared} bytes and stores {stored}: it is incomplete or crafted")


LIMIT_HINT = "`max_model_bytes` sets the limit"


def _copy_attributes(source: Any, target: Any) -> None:
    for name in source.attrs:
        target.attrs.create(name, source.attrs[name], dtype=source.attrs.get_id(name).dtype)


def copy_archive(source: Path, target: Path, max_bytes: int) -> None:
    """Copy a .keras file, with new copies of the HDF5 files in it.

    Raises:
        CopyError, Exception: as ``HDF5Copier.copy``.
    """
    copier, part = HDF5Copier(max_bytes), target.with_name("part.h5")
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w") as written:
        for entry in read.infolist():
            if entry.filename.endswith(".h5"):
                copier.copy(io.BytesIO(read.read(entry)), str(part))
                written.write(part, entry.filename)
            elif not entry.is_dir():
                with read.open(entry) as original, written.open(entry.filename, "w", force_zip64=True) as copy:
                    shutil.copyfileobj(original, copy)


def main(arguments: Sequence[str]) -> int:
    """Copy a file in a process of its own: source, target, largest number of bytes; return the exit status.

    An error is printed as one line.
    """
    source, target, max_bytes = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    try:
        if zipfile.is_zipfile(source):
            copy_archive(source, target, max_bytes)
        else:
            HDF5Copier(max_bytes).copy(str(source), str(target))
    except Exception as error:  # h5py and zipfile raise anything
        reason = str(error) if isinstance(error, CopyError) else f"{type(error).__name__}: {error}"
        print(" ".join(reason.split()) or type(error).__name__, file=sys.stderr)  # noqa: T201 - read by the parent process
        return 1
    return 0
