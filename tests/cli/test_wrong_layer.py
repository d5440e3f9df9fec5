"""A ``-layer`` that does not exist, or has no channels, is an error before any computation."""

import pytest

from saliency.cli import dnn_act, dnn_saliency, saliency_report
from tests.cli.saliency_command import DEMO, table

pytestmark = pytest.mark.needs("torch")

SOURCE = """
from pathlib import Path

import torch


class Sum(torch.nn.Module):
    def forward(self, x):
        Path(__file__).with_name("ran").touch()
        return x.sum((1, 2, 3))


class Own:
    def __init__(self):
        self.model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), Sum())
        self.img_size = (24, 24)
"""
OUTPUTS = {dnn_saliency.main: "out", dnn_act.main: "out.act.h5", saliency_report.main: "out.html"}


@pytest.mark.parametrize(
    ("layer", "message", "runs"),
    [
        ("conv9", "Own has no layer 'conv9'; they are 0, 1", False),
        ("1", "-layer 1 outputs an array of shape (1,) for a batch of 1", True),
    ],
)
@pytest.mark.parametrize("main", OUTPUTS)
def test_a_wrong_layer_is_an_error_before_any_image_is_read(main, layer, message, runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("saliency.io.picture.read_picture", None)
    (tmp_path / "own.py").write_text(SOURCE)
    names = [path.name for path in sorted((DEMO / "scenes").glob("*.png"))]
    stim, out = table(tmp_path, names), str(tmp_path / OUTPUTS[main])
    status = main(["-net", f"{tmp_path / 'own.py'}:Own", "-layer", layer, "-chn", "1", "-stim", str(stim), "-out", out])
    printed, errors = capsys.readouterr()
    assert (status, printed, len(errors.splitlines())) == (2, "", 1)
    assert message in errors
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"own.py", "some.stim.csv"} | (
        {"ran"} if runs else set()
    )
