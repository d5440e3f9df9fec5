"""Fixtures of the tests of commands."""

import pytest

from tests.cli.activation_command import NETWORK, SCENES, TINY, table
from tests.cli.forked_commands import forked_commands
from tests.cli.mask_command import write_inputs


@pytest.fixture(scope="session")
def start_command():
    """A function that starts a command in a process of its own; see `forked_commands`."""
    with forked_commands() as start:
        yield start


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a stimulus file of seven scenes and a mask file."""
    table("seven", SCENES, folder=tmp_path)
    (tmp_path / "test.dmask.csv").write_text("conv6=chn,row,col\n64,1,1\n4,5\n6,7,8\nfc1=chn\n3,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny(folder):
    """The ``-net`` of a user network, whose class is to be filled in, with a stimulus file of one image."""
    (folder / "tiny.py").write_text(f"WEIGHTS = {str(TINY / 'tiny_net_weights.npz')!r}\n{NETWORK}")
    table("tiny", ["tiny.png"], TINY)
    return "tiny.py:{}"


@pytest.fixture
def mask_folder(tmp_path, monkeypatch):
    """The working directory, with files of activations, stimuli and a mask for ``dnn_mask``."""
    write_inputs(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
