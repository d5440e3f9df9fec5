"""An activation file that is interrupted while it is written is the old one or the new one, bit for bit."""

import signal
import sys

import numpy as np
import pytest

from saliency.io import act
from saliency.io.hdf5_writing import ErrorKeepingFile

RNG = np.random.default_rng(0)
LAYERS = {"a": RNG.random((20, 8, 5, 5), np.float32), "group/b": RNG.random((20, 300), np.float32)}


@pytest.fixture
def files(tmp_path):
    """The path of an activation file, its bytes, and the bytes of the file that replaces it."""
    act.write({"old": np.ones((2, 2))}, tmp_path / "new.act.h5")
    old = (tmp_path / "new.act.h5").read_bytes()
    act.write(LAYERS, tmp_path / "new.act.h5")
    new = (tmp_path / "new.act.h5").read_bytes()
    (tmp_path / "new.act.h5").write_bytes(old)
    return tmp_path / "new.act.h5", old, new


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit])
def test_any_exception_in_a_write_is_raised_and_the_old_file_kept(error, files, monkeypatch):
    """The exception must not pass through HDF5, which crashes or ignores it."""
    file, old, new = files
    original, calls = ErrorKeepingFile._keep_error, []

    def fail(stream, function, *arguments):
        calls.append(function)
        return original(stream, interrupt if len(calls) == at else function, *arguments)

    def interrupt(*arguments):
        raise error("stop")

    at = 0
    monkeypatch.setattr(ErrorKeepingFile, "_keep_error", fail)
    act.write(LAYERS, file)
    assert file.read_bytes() == new and len(calls) > 10
    file.write_bytes(old)
    for at in range(1, len(calls) + 1):  # noqa: B007 - read by `fail`
        calls.clear()
        with pytest.raises(error, match="stop"):
            act.write(LAYERS, file)
        assert file.read_bytes() == old and len(list(file.parent.iterdir())) == 1


def test_a_signal_at_any_line_leaves_the_old_file_or_the_new_one(files):
    """Raise SIGINT at moments of the whole run, also inside h5py."""
    file, old, new = files

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        if count == at:
            sys.settrace(before)
            signal.raise_signal(signal.SIGINT)
        return trace

    def run():
        sys.settrace(trace)
        try:
            act.write(LAYERS, file)
        finally:
            sys.settrace(before)

    before, count, at, found = sys.gettrace(), 0, 0, []
    run()
    assert file.read_bytes() == new
    for moment in range(1, count - 20, 37):
        file.write_bytes(old)
        count, at = 0, moment
        with pytest.raises(KeyboardInterrupt):
            run()
        found.append(file.read_bytes())
        assert len(list(file.parent.iterdir())) == 1
    assert found.count(old) + found.count(new) == len(found) > 100 and found.count(old) > 100


def test_a_layer_written_to_its_own_file_survives(files):
    file, old, _ = files
    for at in range(1, 8):
        writes, original = [], ErrorKeepingFile.write

        def write(stream, data, at=at, writes=writes, original=original):
            writes.append(1)
            if len(writes) == at:
                signal.raise_signal(signal.SIGINT)
            return original(stream, data)

        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(ErrorKeepingFile, "write", write)
            act.write(act.read(file), file)
        assert file.read_bytes() == old
