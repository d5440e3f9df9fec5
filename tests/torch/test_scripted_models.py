"""TorchScript models behind a softmax or sigmoid: one function in every call, and in every method."""

import io
import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.torch import script_interpreter

X = np.random.default_rng(0).normal(size=(3, 8, 8)).astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def classifier(*tail):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5), *tail).eval()


class KeywordNetwork(nn.Module):
    """Has optional inputs, and a second method."""

    def __init__(self):
        super().__init__()
        self.inner = classifier()

    def forward(self, x, scale: float = 1.0, shift: torch.Tensor | None = None):
        hidden = self.inner(x) * scale
        return torch.softmax(hidden if shift is None else hidden + shift, 1)

    @torch.jit.export
    def probabilities(self, x):
        return torch.softmax(self.inner(x), 1)


class Calls(nn.Module):
    """Calls a method or function of its own."""

    def __init__(self, function, inner=None):
        super().__init__()
        self.function, self.inner = function, inner

    def forward(self, x):
        return self.function(x if self.inner is None else self.inner(x))


def softmax(x):
    return torch.softmax(x * 1.0, 1)


def reloaded(script):
    file = io.BytesIO()
    torch.jit.save(script, file)
    file.seek(0)
    return torch.jit.load(file)


def calls_a_method():
    script = torch.jit.script(KeywordNetwork().eval())
    model = nn.Sequential(nn.Identity())
    model.script = script
    model.forward = lambda x: script.probabilities(x)
    return model


SCRIPTS = {
    "scripted": lambda: torch.jit.script(classifier(nn.Softmax(1))),
    "traced": lambda: torch.jit.trace(classifier(nn.Softmax(1)), torch.tensor(X)[None]),
    "reloaded": lambda: reloaded(torch.jit.script(classifier(nn.Softmax(1)))),
    "frozen": lambda: torch.jit.freeze(torch.jit.script(classifier(nn.Softmax(1)))),
    "scripted part": lambda: nn.Sequential(nn.Identity(), torch.jit.script(classifier(nn.Softmax(1)))),
    "scripted body": lambda: nn.Sequential(torch.jit.script(classifier()), nn.Softmax(1)),
    "scripted function": lambda: Calls(torch.jit.script(softmax), classifier()),
    "defaults": lambda: torch.jit.script(KeywordNetwork().eval()),
    "method": calls_a_method,
    "train mode": lambda: torch.jit.script(classifier(nn.Dropout(0.5), nn.Softmax(1)).train()),
}


def make(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SCRIPTS[name]()


def masks(model):
    return {
        "Vanilla": saliency.Vanilla(model, 2).GetMask(X),
        "GuidedBackprop": saliency.GuidedBackprop(model, 2).GetMask(X),
        "Occlusion": saliency.Occlusion(model, 2).GetMask(X, size=3),
        "IntegratedGradients": saliency.IntegratedGradients(model, 2).GetMask(X),
    }


@pytest.mark.parametrize("name", SCRIPTS)
def test_masks_of_a_script_are_those_of_the_module(name):
    model, expected = make(name), masks(classifier(nn.Softmax(1)))
    for _ in range(4):
        for method, mask in masks(model).items():
            np.testing.assert_allclose(mask, expected[method], atol=1e-5 * abs(expected[method]).max(), err_msg=method)


def test_script_that_is_optimized_already():
    model, expected = make("scripted"), saliency.Vanilla(classifier(nn.Softmax(1)), 2).GetMask(X)
    graphs = [model(torch.tensor(X)[None].requires_grad_()).grad_fn for _ in range(3)]
    assert "Softmax" not in graphs[-1].name()  # otherwise this test shows nothing
    np.testing.assert_allclose(saliency.Vanilla(model, 2).GetMask(X), expected, atol=1e-6)


def test_integrated_gradients_add_up_to_the_recorded_change():
    model = make("scripted")
    for _ in range(3):
        mask = saliency.IntegratedGradients(model, 2).GetMask(X, x_steps=200, details=True)
        assert mask.sum() == pytest.approx(float(mask.details["change"]), abs=1e-3)


def test_scripted_sigmoid_from_the_first_call_on():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(192, 1), nn.Sigmoid()).eval())
    weight = script.state_dict()["1.weight"].reshape(3, 8, 8).numpy()
    for _ in range(3):
        np.testing.assert_allclose(saliency.Vanilla(script, 0).GetMask(X), weight, atol=1e-6)  # the logit's gradient


def test_other_inputs_of_a_script():
    script, plain = make("defaults"), KeywordNetwork().eval()
    for feed in ({"scale": 2.0}, {"shift": np.ones(5, np.float32)}, {"shift": np.ones(5, np.float32), "scale": 3.0}):
        expected = saliency.Vanilla(plain, 2).GetMask(X, feed)
        np.testing.assert_allclose(saliency.Vanilla(script, 2).GetMask(X, feed), expected, atol=1e-6)
    with pytest.raises(saliency.InputError, match="Unknown keyword argument 'color'"):
        saliency.Vanilla(script, 2).GetMask(X, {"color": 1.0})


def test_changed_weights_of_a_script_take_effect():
    model = make("scripted")
    before = saliency.Vanilla(model, 2).GetMask(X)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    assert abs(saliency.Vanilla(model, 2).GetMask(X) - before).max() > 0.1 * abs(before).max()


@pytest.mark.parametrize("x", [X, X[:1]], ids=["success", "failure"])
def test_torchscript_is_as_before(x):
    model = make("scripted")
    calls = [kind.__dict__["__call__"] for kind in script_interpreter.ORIGINAL_CALLS]
    if x is X:
        saliency.Vanilla(model, 2).GetMask(x)
    else:
        with pytest.raises(saliency.InputError):
            saliency.Vanilla(model, 2).GetMask(x)
    assert [kind.__dict__["__call__"] for kind in script_interpreter.ORIGINAL_CALLS] == calls
    assert calls == list(script_interpreter.ORIGINAL_CALLS.values())
    model(torch.tensor(X)[None])


def test_calls_of_other_threads_are_optimized():
    model, nodes = make("scripted"), []

    def call():
        nodes.append(model(torch.tensor(X)[None].requires_grad_()).grad_fn.name())

    with script_interpreter.unoptimized_scripts():
        for _ in range(4):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        call()
    assert "Softmax" not in nodes[3] and "Softmax" in nodes[4]


@pytest.mark.parametrize("capture", [torch.jit.script, lambda model: torch.jit.trace(model, torch.ones(1, 3, 8, 8))])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_threshold_of_another_value_is_no_relu(capture, in_place):
    torch.manual_seed(0)
    threshold = torch.nn.Threshold(0.0, 0.5, in_place)
    first, second, relu = torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 3), torch.nn.ReLU()
    model = torch.nn.Sequential(first, threshold, second, relu, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    x = np.random.default_rng(0).normal(size=(3, 8, 8))
    for method in (saliency.Vanilla, saliency.GuidedBackprop):
        expected = method(model, 1).GetMask(x)
        np.testing.assert_allclose(method(capture(model.eval()), 1).GetMask(x), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_a_script_without_gradients_is_refused():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten()).eval()
    with pytest.raises(saliency.ModelError, match="optimize_for_inference converted .* pass the module as it was before"):
        saliency.wrap(torch.jit.optimize_for_inference(torch.jit.script(model)))
