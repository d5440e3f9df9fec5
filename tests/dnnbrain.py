"""What DNNBrain wrote, and where the tests find it; tests that need it are skipped where it is not."""

from pathlib import Path

import h5py
import numpy as np
import pytest

FIXTURES = Path(__file__).parents[2] / "shared" / "fixtures" / "dnnbrain"
FORMATS, CLI = FIXTURES / "formats", FIXTURES / "cli"
needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="what DNNBrain wrote is not here")


def layers(n=4):
    """Activations as a network has them: two convolutions, one of them not square, and a fully connected layer."""
    rng = np.random.default_rng(0)
    shapes = {"conv1_maxpool": (n, 2, 5, 3), "conv5": (n, 8, 13, 13), "fc3": (n, 10, 1, 1)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def write(file, arrays):
    """Write as DNNBrain does."""
    with h5py.File(file, "w") as h5:
        for name, array in arrays.items():
            h5.create_dataset(name, data=array, compression="gzip")
    return file


def structure(file):
    """Return all that can be told of an HDF5 file besides the values and the file's attributes, which DNNBrain does not read."""
    with h5py.File(file, "r") as h5:
        found = {
            name: (item.shape, item.maxshape, item.dtype, item.chunks, item.compression, item.compression_opts, item.shuffle,
                   item.fletcher32, item.scaleoffset, item.fillvalue, dict(item.attrs), item.is_virtual, item.external)
            for name, item in h5.items()
        }  # fmt: skip
        return list(found.items()), file.read_bytes()[:9]  # with the version of the superblock
