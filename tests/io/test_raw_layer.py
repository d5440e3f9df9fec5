"""Layers in files of bare float32 values."""

import errno
import hashlib
from unittest.mock import ANY

import numpy as np
import pytest

from saliency.io.raw_layer import RawFileLayer
from saliency.io.working_file import WorkingFileError

VALUES = np.random.default_rng(0).random((7, 5, 4, 3), np.float32)


@pytest.fixture
def layer(tmp_path):
    layer = RawFileLayer.for_file(tmp_path / "layer", VALUES.shape)
    layer.write_stimuli(0, VALUES[:4] + 1)
    layer.write_stimuli(0, VALUES[:4])
    layer.write_stimuli(4, VALUES[4:])
    return layer


def test_any_block_is_read(layer):
    np.testing.assert_array_equal(layer.read(), VALUES)
    slices = slice(2, 6), slice(1, 4), slice(1, 3), slice(0, 2)
    np.testing.assert_array_equal(layer.read_block(slices), VALUES[slices])
    np.testing.assert_array_equal(layer.take([6, 0], [3, 3], [2], None).read(), VALUES[[6, 0]][:, [3, 3]][:, :, [2]])


def test_missing_and_changed_values_are_detected(layer):
    one = VALUES[0].nbytes
    assert layer.checksum(range(5, 7)) == {"bytes": 2 * one, "sha256": hashlib.sha256(VALUES[5:].tobytes()).hexdigest()}
    whole = layer.checksum(range(7))
    with layer.file.open("r+b") as file:
        file.seek(one)
        file.write(b"\1")
        file.truncate(6 * one)
    assert layer.checksum(range(7)) == {"bytes": 6 * one, "sha256": ANY} and layer.checksum(range(7)) != whole
    assert layer.checksum(range(2))["sha256"] != hashlib.sha256(VALUES[:2].tobytes()).hexdigest()
    with pytest.raises(OSError, match="is shorter than the values written to it; it was truncated"):
        layer.read()
    layer.file.unlink()
    assert layer.checksum(range(1)) is None


def test_a_link_is_not_followed(layer, tmp_path):
    layer.file.rename(tmp_path / "victim")
    layer.file.symlink_to(tmp_path / "victim")
    before = (tmp_path / "victim").read_bytes()
    for use in (layer.read, lambda: layer.checksum(range(1)), lambda: layer.write_stimuli(0, VALUES[:1] + 1)):
        with pytest.raises(WorkingFileError, match="layer: is a link; a run keeps its own file there"):
            use()
    assert (tmp_path / "victim").read_bytes() == before


def test_a_full_disk_names_the_file(layer, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device") as refusal:
        layer.write_stimuli(0, VALUES[:1])
    assert refusal.value.filename == str(layer.file)
