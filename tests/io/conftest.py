"""Files that several tests of input and output share."""

import pytest

from tests import dnnbrain


@pytest.fixture
def file(tmp_path):
    """An activation file, as DNNBrain writes it."""
    return dnnbrain.write(tmp_path / "test.act.h5", dnnbrain.layers())
