"""Activations are read and written in blocks of whole chunks, in bounded memory."""

import tracemalloc

import h5py
import numpy as np

from saliency.io import act
from saliency.io.chunks import block_shape, block_slices
from saliency.io.dmask import Dmask, Units


def test_default_batches_hold_whole_chunks(tmp_path):
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        h5.create_dataset("large", shape=(100, 64, 64, 32), dtype="f4", chunks=(7, 1, 64, 32))  # 0.5 MiB a stimulus
        h5.create_dataset("deep", shape=(60, 64, 64, 64), dtype="f4", chunks=(30, 1, 64, 64))  # 1 MiB a stimulus
    activation = act.read(tmp_path / "a.act.h5")
    assert [len(chunk) for chunk in activation["large"].chunks()] == [28, 28, 28, 16]
    assert len(next(activation["deep"].chunks())) == 30


def test_memory_is_bounded_by_the_block_size(tmp_path):
    """Copy 64 MiB of activation; Python and NumPy hold at most two blocks and a copy."""
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        h5.create_dataset("conv", shape=(1024, 64, 16, 16), dtype="f4", compression="gzip", fillvalue=1)
        h5["conv"][0] = 2
    activation = act.read(tmp_path / "a.act.h5")
    tracemalloc.start()
    act.write(activation.mask(Dmask({"conv": Units(range(63, -1, -1))})), tmp_path / "b.act.h5")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 52 * 2**20
    assert act.read(tmp_path / "b.act.h5")["conv"].take([0, 1023]).read().mean() == 1.5


def test_blocks_of_whole_chunks_cover_an_array_once():
    shape, chunk_shape = (100, 33, 7, 5), (30, 4, 7, 2)
    block = block_shape(shape, chunk_shape, 4, max_bytes=30 * 4 * 7 * 5 * 4 * 2)
    assert block == (30, 8, 7, 5)
    visits = np.zeros(shape, int)
    for slices in block_slices(shape, block):
        visits[slices] += 1
    assert (visits == 1).all()
    assert block_shape(shape, chunk_shape, 4, max_bytes=1) == chunk_shape
    assert block_shape((2, 3), (50, 50), 8) == (2, 3)
