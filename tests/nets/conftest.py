"""Keep the tests of networks by name from downloading weights."""

import sys

import pytest


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Make downloads by Torch and Keras fail, with empty caches and without a DNNBrain folder."""

    def refuse(*_, **__):
        raise OSError("no network in a test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    if "torch" in sys.modules:
        monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("DNNBRAIN_DATA", raising=False)
