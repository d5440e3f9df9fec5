"""Choose the format of a file of arrays by its suffix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saliency.io.array_store import ArrayStore

SUFFIXES = (".h5", ".zarr")


@contextmanager
def create_store(path: Path) -> Iterator[ArrayStore]:
    """Write an HDF5 file or a Zarr folder, which appears when the block ends without an error.

    Args:
        path: a path that ends in ``.h5`` or ``.zarr``. An existing file or folder is replaced.

    Raises:
        ImportError: if Zarr is not installed.
        OSError: if something cannot be written.
    """
    if path.suffix == ".zarr":
        from saliency.io.zarr_store import create_zarr

        with create_zarr(path) as zarr_store:
            yield zarr_store
    else:
        from saliency.io.hdf5_store import create_hdf5_store

        with create_hdf5_store(path) as hdf5_store:
            yield hdf5_store
