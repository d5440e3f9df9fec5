"""A layer in an HDF5 file: found there, read from there, written there, a block at a time."""

from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py

from saliency.io.chunks import LIMIT, Where, block_shape, blocks
from saliency.io.hdf5 import HDF5Error, check, opened, version
from saliency.io.hdf5_writing import Writing
from saliency.io.layer import FOUR, Array, Layer
from saliency.io.text_lines import wrong


@dataclass(frozen=True, eq=False)
class Stored(Layer):
    """A layer in a file, which is open only while a block is read."""

    file: Path
    name: str
    version: tuple[int, ...]

    @classmethod
    def find(cls, file: Path, name: str, dataset: h5py.Dataset) -> "Stored":
        """Return the layer of an open file's dataset.

        Raises:
            HDF5Error: if it is no layer.
        """
        check(file, name, dataset)
        shape, axes = dataset.shape, len(dataset.shape)
        ones = (1,) * (FOUR - axes)
        pieces = (dataset.chunks or (1,) * axes) + ones
        return cls(shape + ones, dataset.dtype, pieces, axes, file.absolute(), name, version(file))

    def block(self, where: Where) -> Array:
        """Read four slices from the file."""
        with opened(self.file) as h5:
            if version(self.file) != self.version:
                raise HDF5Error(f"{self.file}: was written anew since it was opened; open it again")
            values: Array = h5[self.name][where[: self.axes]]
        return values.reshape(*values.shape, *(1,) * (FOUR - self.axes))


def check_names(file: Path, names: Collection[str]) -> None:
    """Check that each layer's name can be a dataset's; one with slashes is in groups, which DNNBrain does not read.

    Raises:
        ValueError: if one cannot, or is that of another's group.
    """
    for name in names:
        if "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise wrong(file, f"cannot hold a layer named {name!r}")
        if any(other.startswith(f"{name}/") for other in names):
            raise wrong(file, f"cannot hold a layer {name} beside one whose name begins with {name}/")


def store(writing: Writing, name: str, layer: Layer) -> None:
    """Write a layer as DNNBrain does: gzip, in pieces that h5py chooses by shape and type.

    Args:
        writing: a new file.
        name: the dataset's path.
        layer: read in blocks that are whole pieces both there and here, if such a block fits into memory.

    Raises:
        OSError: if it was not written.
    """
    dataset = writing.h5.create_dataset(name, shape=layer.shape, dtype=layer.dtype, compression="gzip")
    pieces = dataset.chunks
    both = tuple(-(-there // here) * here for there, here in zip(layer.pieces, pieces, strict=True))
    least = both if prod(both) * layer.dtype.itemsize <= LIMIT else pieces
    for where in blocks(layer.shape, block_shape(layer.shape, least, layer.dtype.itemsize)):
        dataset[where] = layer.block(where)
        writing.check()
