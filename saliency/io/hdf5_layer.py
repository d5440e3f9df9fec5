"""Read and write layers as datasets of an HDF5 file, block by block."""

from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py

from saliency.io.chunks import MAX_BLOCK_BYTES, Slices, block_shape, block_slices
from saliency.io.hdf5 import HDF5Error, check_dataset, file_version, open_hdf5
from saliency.io.hdf5_writing import HDF5Writer
from saliency.io.layer import N_AXES, Array, Layer
from saliency.io.text_lines import file_error


@dataclass(frozen=True, eq=False)
class HDF5Layer(Layer):
    """A layer in an HDF5 file, which is opened for each block and closed again.

    Args:
        file: absolute path of the file.
        name: path of the dataset in the file.
        version: ``file_version`` of the file when the layer was found.
    """

    file: Path
    name: str
    version: tuple[int, ...]

    @classmethod
    def from_dataset(cls, file: Path, name: str, dataset: h5py.Dataset) -> "HDF5Layer":
        """Return the layer of a dataset in an open file.

        Raises:
            HDF5Error: if the dataset is not a layer's activation.
        """
        check_dataset(file, name, dataset)
        shape, axes = dataset.shape, len(dataset.shape)
        ones = (1,) * (N_AXES - axes)
        chunk_shape = (dataset.chunks or (1,) * axes) + ones
        return cls(shape + ones, dataset.dtype, chunk_shape, axes, file.absolute(), name, file_version(file))

    def read_block(self, slices: Slices) -> Array:
        """Read the values inside four slices from the file."""
        with open_hdf5(self.file) as h5:
            if file_version(self.file) != self.version:
                raise HDF5Error(f"{self.file}: has changed since it was opened; open it again")
            values: Array = h5[self.name][slices[: self.stored_axes]]
        return values.reshape(*values.shape, *(1,) * (N_AXES - self.stored_axes))


def check_layer_names(file: Path, names: Collection[str]) -> None:
    """Check that each layer's name can be the path of a dataset.

    A name with slashes puts the dataset into groups, which DNNBrain does not read.

    Raises:
        ValueError: if a name is not a valid path, or is also the path of another layer's group.
    """
    for name in names:
        if "\0" in name or {"", ".", ".."} & set(name.split("/")):
            rule = "between slashes, a name must not be empty, '.' or '..', and it must not contain NUL"
            raise file_error(file, f"cannot hold a layer named {name!r}; {rule}")
        if any(other.startswith(f"{name}/") for other in names):
            raise file_error(file, f"cannot hold both a layer {name} and a layer whose name begins with {name}/; rename one")


def write_layer(writer: HDF5Writer, name: str, layer: Layer) -> None:
    """Write a layer as DNNBrain does: compressed with gzip, in chunks that h5py chooses.

    Args:
        writer: a new file.
        name: path of the dataset.
        layer: read in blocks of chunks that are whole in both files, if such a block fits into memory.

    Raises:
        OSError: if the layer could not be written.
    """
    target_chunk = writer.create_dataset(name, shape=layer.shape, dtype=layer.dtype, compression="gzip") or layer.shape
    common_chunk = tuple(-(-source // target) * target for source, target in zip(layer.chunk_shape, target_chunk, strict=True))
    chunk = common_chunk if prod(common_chunk) * layer.dtype.itemsize <= MAX_BLOCK_BYTES else target_chunk
    for slices in block_slices(layer.shape, block_shape(layer.shape, chunk, layer.dtype.itemsize)):
        writer.write(name, slices, layer.read_block(slices))
