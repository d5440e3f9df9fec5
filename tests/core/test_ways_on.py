"""Errors that say what to do instead, where users often guess wrong."""

from pathlib import Path

import numpy as np
import pytest

import saliency
from saliency import Occlusion, Vanilla
from saliency.cli import dnn_act, dnn_mask, dnn_saliency, main, saliency_report
from tests.reference import linear

X = np.random.default_rng(0).normal(size=(3, 5, 6))
W = np.random.default_rng(1).normal(size=(4, 3, 5, 6))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Vanilla(linear(W)).GetMask(X, 3),
            saliency.InputError,
            r"`feed_dict` \(int\).*constructor: Vanilla\(model, 3\)",
        ),
        (lambda: Vanilla(linear(W), 1).GetMask("cat.jpg"), saliency.InputError, r"Read the picture first"),
        (lambda: Vanilla(linear(W), 1).GetMask(Path("cat.jpg")), saliency.InputError, r"Read the picture first"),
    ],
)
def test_a_guess_that_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "y", [lambda out: out["logit"][:, 1], lambda out: out["b"][7], lambda out: out.logits, lambda out: out()]
)
def test_a_callable_that_reads_an_output_that_does_not_exist(y):
    def function(x):
        return {"logits": x.mean((2, 3)), "b": [x]}

    with pytest.raises(saliency.TargetError, match=r"`y` failed: .*receives a dict: 'logits' \(1, 3\), 'b/0' \(1, 3, 5, 6\)"):
        Occlusion(function, y).GetMask(X, size=2)


@pytest.mark.parametrize("command", [dnn_act, dnn_mask, dnn_saliency, main, saliency_report])
def test_the_version(command, capsys):
    try:
        status = command.main(["--version"])
    except SystemExit as end:
        status = end.code
    assert not status
    assert saliency.__version__ in capsys.readouterr().out


@pytest.mark.needs("torch")
def test_a_network_is_a_model():
    network = saliency.nets.load("DemoNet")
    x = np.random.default_rng(0).normal(size=(3, *network.size)).astype("float32")
    np.testing.assert_array_equal(Vanilla(network, 3).GetMask(x), Vanilla(network.model, 3).GetMask(x))
