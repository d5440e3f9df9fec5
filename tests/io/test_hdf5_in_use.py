"""HDF5 files that another process writes, has left open, or cannot lock: each raises one error."""

import subprocess
import sys

import numpy as np
import pytest

from saliency.io import act
from saliency.io.hdf5 import HDF5Error
from tests import dnnbrain

ONES = np.ones((4, 2, 3, 3), np.float32)

WRITER = """
import h5py, sys
h5 = h5py.File(sys.argv[1], "w", **eval(sys.argv[2]))
h5["a"] = [[1.0, 2.0]]
h5.flush()
print("written", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("options", [{}, {"libver": "latest"}])
def test_a_file_that_another_process_writes_is_in_use(options, tmp_path):
    file = tmp_path / "a.act.h5"
    command = [sys.executable, "-c", WRITER, file, repr(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "written\n"
        with pytest.raises(HDF5Error, match=r"a\.act\.h5: is in use: a process is writing it") as refusal:
            act.read(file)
        assert "damaged" not in str(refusal.value) and "\n" not in str(refusal.value)
        writer.communicate("end\n")
    np.testing.assert_array_equal(act.read(file)["a"].read().squeeze(), [1, 2])


def test_a_layer_whose_file_another_process_writes_is_in_use(tmp_path):
    file = dnnbrain.write(tmp_path / "a.act.h5", {"a": ONES})
    layer = act.read(file)["a"]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, file, "{}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "written\n"
        with pytest.raises(HDF5Error, match="is in use"):
            layer.read()
        writer.communicate("end\n")


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    file = dnnbrain.write(tmp_path / "a.act.h5", {"a": ONES})

    def fail(*arguments):
        raise OSError("Unable to synchronously open file (unable to lock file, errno = 37, 'No locks available')")

    monkeypatch.setattr("saliency.io.hdf5.h5py.File", fail)
    with pytest.raises(HDF5Error, match=r"cannot be locked on this file system; .* set HDF5_USE_FILE_LOCKING=FALSE"):
        act.read(file)


def test_a_file_whose_writer_was_killed_is_marked_as_open(tmp_path):
    file = tmp_path / "a.act.h5"
    command = [sys.executable, "-c", WRITER, file, "{'libver': 'latest'}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    with pytest.raises(HDF5Error, match="marked as open for writing; if its writer was killed, run h5clear -s on it"):
        act.read(file)
