"""Errors that say what to do instead, where users often guess wrong."""

from pathlib import Path

import numpy as np
import pytest

import saliency
from saliency import Occlusion, Vanilla
from saliency.cli import dnn_act, dnn_mask, dnn_saliency, main, saliency_report
from saliency.core.layer_hint import layer_hint
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
        (
            lambda: Vanilla(linear(W), (2, 1)).GetMask(X),
            saliency.TargetError,
            r'a string: \("2", 1\)\. For a sum of classes, pass a list: \[2, 1\]',
        ),
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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (2, 'nearest: "2"; the name of a layer is a string'),
        ("conv", "nearest: conv2, conv1"),
        ("zzz", "they are 2, conv1, conv2"),
    ],
)
def test_a_layer_that_does_not_exist(name, hint):
    assert layer_hint(name, ["2", "conv1", "conv2"]) == hint
    assert layer_hint("x", map(str, range(161))) == "the last ones are 158, 159, 160"


@pytest.mark.needs("torch")
def test_a_layer_by_its_number_and_a_batch_of_inputs():
    import torch

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    with pytest.raises(saliency.TargetError, match='`layer` .=0. must be one of the model.s 3 layers; nearest: "0"; the name'):
        saliency.GradCAM(model, 1, layer=0).GetMask(X)
    batch = np.stack([X] * 5)
    for call in (Vanilla(model, 1).GetMask, Vanilla(model, 1).GetSmoothedMask):
        with pytest.raises(
            saliency.InputError, match="If these are 5 inputs: pass them to GetMasks, or one of them to GetMask"
        ):
            call(batch)


@pytest.mark.parametrize("command", [dnn_saliency, saliency_report])
@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("smoothgrad", "SmoothGrad averages the maps of a method: use -smooth N, such as -meth vanilla -smooth 25"),
        ("IntegratedGradient", "; did you mean ig?"),
        ("grad-cam", "; did you mean gradcam?"),
    ],
)
def test_a_method_that_does_not_exist(command, method, message, capsys):
    assert command.main(["-net", "DemoNet", "-stim", "a.stim.csv", "-meth", method, "-out", "x.html"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.needs("torch")
def test_a_network_is_a_model():
    network = saliency.nets.load("DemoNet")
    x = np.random.default_rng(0).normal(size=(3, *network.size)).astype("float32")
    np.testing.assert_array_equal(Vanilla(network, 3).GetMask(x), Vanilla(network.model, 3).GetMask(x))
