"""No test of a network by its name asks a server for weights."""

import sys

import pytest


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Refuse downloads, by Torch and by Keras; their caches are empty, and there is no folder of DNNBrain's."""

    def refuse(*_, **__):
        raise OSError("no network in a test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    if "torch" in sys.modules:
        monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("DNNBRAIN_DATA", raising=False)
