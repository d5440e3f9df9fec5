"""Damaged, incomplete and malicious HDF5 files: each raises one error and needs little memory."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from saliency.io import act
from saliency.io.act import Activation
from saliency.io.hdf5 import HDF5Error
from tests import dnnbrain

ONES = np.ones((4, 2, 3, 3), np.float32)


def external_link(h5):
    h5["a"] = h5py.ExternalLink("other.h5", "/x")


def soft_link(h5):
    h5["x"] = ONES
    h5["a"] = h5py.SoftLink("/x")


def dangling_link(h5):
    h5["a"] = h5py.SoftLink("/nowhere")


def cycle(h5):
    h5.create_group("a")["a"] = h5["/"]


def external_storage(h5):
    h5.create_dataset("a", shape=(4, 2), dtype="f4", external=[("/etc/passwd", 0, 32)])


def virtual(h5):
    layout = h5py.VirtualLayout(shape=(4, 2), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4, 2))
    h5.create_virtual_dataset("a", layout)


def bomb(h5):
    h5.create_dataset("a", shape=(10**10, 2000, 1, 1), dtype="f4", compression="gzip")


def contiguous_bomb(h5):
    h5.create_dataset("a", shape=(10**10, 2000, 1, 1), dtype="f4")


def large_chunks(h5):
    data = h5.create_dataset("a", shape=(2**15, 2**14, 1, 1), dtype="f4", chunks=(2**15, 2**14, 1, 1), compression="gzip")
    data.id.write_direct_chunk((0, 0, 0, 0), os.urandom(2**21))


def dataset(value, **options):
    return lambda h5: h5.create_dataset("a", data=value, **options)


REFUSED = {
    "external link": (external_link, "a is a link"),
    "soft link": (soft_link, "a is a link"),
    "dangling link": (dangling_link, "a is a link"),
    "cycle": (cycle, "can be reached by two paths"),
    "external storage": (external_storage, "a stores its values in other files"),
    "virtual": (virtual, "a stores its values in other files"),
    "bomb": (bomb, "a declares 80000000000000 bytes and stores 0"),
    "contiguous bomb": (contiguous_bomb, "a declares 80000000000000 bytes and stores 0"),
    "large chunks": (large_chunks, "a is stored in chunks of 2147483648 bytes"),
    "text": (dataset(["x", "y"]), "a has values of type object"),
    "compound": (dataset(np.zeros((2, 2), [("x", "f4"), ("y", "f4")])), "a has values of type"),
    "complex": (dataset(np.zeros((2, 2), complex)), "a has values of type complex128"),
    "bool": (dataset(np.zeros((2, 2), bool)), "a has values of type bool"),
    "scalar": (dataset(1.0), r"a has shape \(\)"),
    "one axis": (dataset(np.ones(3)), r"a has shape \(3,\)"),
    "five axes": (dataset(np.ones((1, 1, 1, 1, 1))), r"a has shape \(1, 1, 1, 1, 1\)"),
    "no stimuli": (dataset(np.ones((0, 2, 1, 1))), r"a has shape \(0, 2, 1, 1\)"),
    "nothing": (dataset(h5py.Empty("f4")), r"a has shape \(\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_datasets_are_refused_by_name(case, tmp_path):
    make, message = REFUSED[case]
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        make(h5)
    with pytest.raises(HDF5Error, match=message) as refusal:
        act.read(tmp_path / "a.act.h5")
    assert "a.act.h5: " in str(refusal.value) and "\n" not in str(refusal.value)


def test_layers_that_are_not_selected_are_not_checked(tmp_path):
    with h5py.File(tmp_path / "a.act.h5", "w") as h5:
        h5["conv5"], h5["names"] = ONES, ["x", "y"]
    assert list(act.read(tmp_path / "a.act.h5", ["conv5"]).layers) == ["conv5"]
    with pytest.raises(HDF5Error, match="has no layer conv6; nearest: conv5; layers: conv5, names"):
        act.read(tmp_path / "a.act.h5", ["conv6"])


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"\x89HDF\r\n\x1a\n", None])
def test_other_files_are_refused(content, tmp_path):
    file = dnnbrain.write(tmp_path / "a.act.h5", dnnbrain.layers())
    file.write_bytes(file.read_bytes()[:9000] if content is None else content)
    with pytest.raises(HDF5Error, match=r"a\.act\.h5: cannot be read as HDF5"):
        act.read(file)


def test_a_changed_byte_of_a_stored_array_is_detected(tmp_path):
    """Gzip data has a checksum, so no other is needed."""
    values = np.random.default_rng(0).standard_normal((4, 5, 2, 2)).astype(np.float32)
    file = dnnbrain.write(tmp_path / "a.act.h5", {"a": values})
    with h5py.File(file) as h5:
        chunk = h5["a"].id.get_chunk_info(0)
    whole = file.read_bytes()
    for at in range(chunk.byte_offset, chunk.byte_offset + chunk.size):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            read = act.read(file)["a"].read()
        except HDF5Error:
            continue
        np.testing.assert_array_equal(read, values)  # a flag in the gzip header


def test_damaged_files_are_read_or_raise_hdf5_error(tmp_path):
    rng = np.random.default_rng(0)
    whole = dnnbrain.write(tmp_path / "a.act.h5", {"a": ONES, "b": ONES}).read_bytes()
    refused = 0
    for k in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole))] if k % 3 == 0 else whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(256)
        (tmp_path / "b.act.h5").write_bytes(bytes(data))
        try:
            for layer in act.read(tmp_path / "b.act.h5").layers.values():
                layer.read()
        except HDF5Error as error:
            refused += "\n" not in str(error)
    assert refused > 100


def test_missing_files_folders_and_pipes(tmp_path):
    with pytest.raises(FileNotFoundError):
        act.read(tmp_path / "none.act.h5")
    (tmp_path / "folder.act.h5").mkdir()
    os.mkfifo(tmp_path / "pipe.act.h5")
    for name in ("folder", "pipe"):
        with pytest.raises(HDF5Error, match="must be a regular file"):
            act.read(tmp_path / f"{name}.act.h5")


FULL = """
import numpy as np, resource, sys
from pathlib import Path
from saliency.io import act
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
noise = np.random.default_rng(0).standard_normal((64, 64, 8, 8)).astype(np.float32)
try:
    act.write(act.Activation({"a": noise, "b": noise}), sys.argv[2])
except OSError as error:
    print(error.filename)
"""


@pytest.mark.parametrize("limit", [0, 100, 5000, 300_000, 1_500_000])
def test_a_full_disk_raises_an_error_without_a_crash(limit, tmp_path):
    file = tmp_path / "a.act.h5"
    file.write_text("mine")
    ran = subprocess.run([sys.executable, "-c", FULL, str(limit), file], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, str(file), "")
    assert file.read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_an_interrupt_keeps_the_existing_file(tmp_path, monkeypatch):
    file = dnnbrain.write(tmp_path / "a.act.h5", {"a": ONES})
    before = file.read_bytes()

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("saliency.io.act.write_layer", stop)
    with pytest.raises(KeyboardInterrupt):
        act.write(Activation({"a": ONES}), file)
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
