"""Layers in files of bare numbers."""

import numpy as np
import pytest

from saliency.io.raw_layer import Raw

VALUES = np.random.default_rng(0).random((7, 5, 4, 3), np.float32)


@pytest.fixture
def layer(tmp_path):
    layer = Raw.of(tmp_path / "layer", VALUES.shape)
    layer.put(0, VALUES[:4] + 1)
    layer.put(0, VALUES[:4])
    layer.put(4, VALUES[4:])
    return layer


def test_any_block_is_read(layer):
    np.testing.assert_array_equal(layer.read(), VALUES)
    some = slice(2, 6), slice(1, 4), slice(1, 3), slice(0, 2)
    np.testing.assert_array_equal(layer.block(some), VALUES[some])
    np.testing.assert_array_equal(layer.take([6, 0], [3, 3], [2], None).read(), VALUES[[6, 0]][:, [3, 3]][:, :, [2]])


def test_what_is_missing_is_told(layer):
    assert layer.holds(7) and not layer.holds(8)
    with layer.file.open("r+b") as file:
        file.truncate(6 * VALUES[0].nbytes)
    assert layer.holds(6) and not layer.holds(7)
    with pytest.raises(OSError, match="shorter than it was written"):
        layer.read()
    layer.file.unlink()
    assert layer.holds(0) and not layer.holds(1)
