"""Progress bars."""

import sys

import numpy as np
import pytest

import saliency.core.progress
from saliency import IntegratedGradients, Occlusion, Vanilla
from tests.reference import quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


@pytest.mark.parametrize(
    ("method", "name", "options", "evaluations"),
    [
        (Vanilla, "GetMasks", {}, 7),
        (Vanilla, "GetSmoothedMasks", {"nsamples": 3}, 21),
        (IntegratedGradients, "GetMasks", {"x_steps": 9}, 63),
        (IntegratedGradients, "GetSmoothedMasks", {"nsamples": 3}, 7 * 3 * 25),
        (Occlusion, "GetMasks", {"size": 3, "stride": 3}, 7 * (2 * 2 + 1)),
    ],
)
def test_progress_counts_evaluations_and_expects_as_many(method, name, options, evaluations, capsys):
    getattr(method(quadratic([1]), 0, batch_size=2), name)(X, progress=True, **options)
    bar = capsys.readouterr().err
    assert f"{evaluations}/{evaluations}" in bar and "100%" in bar
    assert ("gradients" if method.differentiates else "outputs") in bar


def test_progress_knows_the_total_before_the_first_mask_is_done(capsys):
    IntegratedGradients(quadratic([1]), 0, batch_size=2, x_steps=1000).GetMasks(X[:1], progress=True)
    assert "/1000" in capsys.readouterr().err.split("\r")[2]


def test_a_bar_appears_by_itself_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(saliency.core.progress, "DELAY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    mask = IntegratedGradients(quadratic([1]), 0, batch_size=2, x_steps=9)
    mask.GetMasks(X)
    assert "63/63" in capsys.readouterr().err
    mask.GetMasks(X, progress=False)
    monkeypatch.setattr(saliency.core.progress, "DELAY", 60.0)
    mask.GetMasks(X)  # too quick
    monkeypatch.setattr(saliency.core.progress, "DELAY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    mask.GetMasks(X)  # written to a file
    assert capsys.readouterr().err == ""


def test_occlusion_says_how_many_windows_it_takes_and_what_takes_fewer(capsys):
    mask, picture = Occlusion(quadratic([1]), 0), RNG.normal(size=(1, 64, 60))
    mask.GetMask(picture, size=15, progress=True)
    note = "Occlusion with size=15, stride=1 evaluates 2,300 windows for each input; size=9, stride=2 takes 783"
    assert capsys.readouterr().err.count(note) == 1
    mask.GetMask(picture, size=9, stride=2, progress=True)
    shown = capsys.readouterr().err
    assert "784/784" in shown and "Occlusion with" not in shown  # 783 windows, and the picture itself
