"""Layers in files of bare float32 values."""

import numpy as np
import pytest

from saliency.io.raw_layer import RawFileLayer

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


def test_missing_values_are_detected(layer):
    assert layer.has_stimuli(7) and not layer.has_stimuli(8)
    with layer.file.open("r+b") as file:
        file.truncate(6 * VALUES[0].nbytes)
    assert layer.has_stimuli(6) and not layer.has_stimuli(7)
    with pytest.raises(OSError, match="is shorter than the values written to it; it was truncated"):
        layer.read()
    layer.file.unlink()
    assert layer.has_stimuli(0) and not layer.has_stimuli(1)
