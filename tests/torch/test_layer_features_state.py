"""Features preserve the model, record no graph before the layer, and run in several threads."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM, GuidedGradCAM
from tests.threads import run_in_threads
from tests.torch.nested_network import (
    METHODS,
    NestedNetwork,
    X,
    assert_features,
    autograd_features,
    compute_features,
    nested_network,
)
from tests.torch.small_network import small_network
from tests.torch.snapshot import snapshot


class GraphRecorder(nn.Module):
    """Passes its input on, and records whether a graph was recorded and whether the gradient passed."""

    def __init__(self, notes):
        super().__init__()
        self.notes = notes

    def forward(self, x):
        self.notes.append(("graph", torch.is_grad_enabled() and x.requires_grad))
        return RecordedGradient.apply(x, self.notes)


class RecordedGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, notes):
        ctx.notes = notes
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        ctx.notes.append(("gradient", True))
        return gradient, None


def test_no_graph_before_the_layer():
    before, after, saved = [], [], []
    model = nn.Sequential(
        nn.Conv2d(3, 7, 3), GraphRecorder(before), nn.ReLU(), nn.Conv2d(7, 4, 3), GraphRecorder(after), nn.ReLU(), nn.Flatten()
    )
    model.append(nn.Linear(4 * 12 * 8, 5))
    GradCAM(model, 1, "3").GetMasks(X)  # the first pass also checks that the samples are independent
    before.clear(), after.clear()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(tuple(t.shape)) or t, lambda t: t):
        GradCAM(model, 1, "3").GetMasks(X)
    assert before == [("graph", False)]
    assert after == [("graph", True), ("gradient", True)]
    assert (3, 4, 12, 8) in saved  # the ReLU's, after the layer
    assert all(7 not in shape and shape[1:] != (3, 16, 12) for shape in saved)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("y", [1, ("relu", 2), ("nothing", 1), 99, "interrupt"])
@pytest.mark.parametrize("layer", [None, "conv", "fc", "nothing"])
def test_model_state_is_preserved(method, y, layer):
    def interrupt(outputs):
        raise KeyboardInterrupt

    model = small_network().train()
    model.bn.eval()
    model.conv.weight.requires_grad_(False)
    model(torch.tensor(X[:, :, :8, :8])).sum().backward()
    model.conv.register_forward_hook(lambda module, inputs, output: None)
    before = snapshot(model)
    try:
        method(model, interrupt if y == "interrupt" else y).GetSmoothedMask(X[0, :, :8, :8], nsamples=2, seed=0, layer=layer)
    except (saliency.SaliencyError, KeyboardInterrupt):
        assert y in (("nothing", 1), 99, "interrupt") or layer in ("fc", "nothing") or method is GuidedGradCAM
    assert snapshot(model) == before


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("method", METHODS)
def test_callers_without_gradients_and_frozen_models(context, method):
    model = nested_network().requires_grad_(False)
    expected = method(nested_network(), 1).GetMask(X[0])
    smooth = method(nested_network(), 1).GetSmoothedMask(X[0], nsamples=3, seed=0)
    with context():
        for x in (X[0], torch.tensor(X[0])):
            np.testing.assert_array_equal(method(model, 1).GetMask(x), expected)
        np.testing.assert_array_equal(method(model, 1).GetSmoothedMask(X[0], nsamples=3, seed=0), smooth)
        assert torch.is_grad_enabled() is False
    assert expected.any()


def test_threads_are_independent():
    model = nested_network().train()
    jobs = [(1, "stem"), (2, "stem"), (2, None), (("body.0.0", 3), "twice")]
    expected = [compute_features(nested_network(), y, layer) for y, layer in jobs]
    wrong = []

    def work(y, layer, right):
        for _ in range(15):
            if not all(np.array_equal(a, b) for a, b in zip(compute_features(model, y, layer), right, strict=True)):
                wrong.append((y, layer))

    run_in_threads(work, [(*job, right) for job, right in zip(jobs, expected, strict=True)])
    assert wrong == []
    assert all(module.training for module in model.modules())


def test_layer_that_another_thread_calls_at_the_same_time():
    class Meanwhile(NestedNetwork):
        alone = True

        def forward(self, x):
            x = self.body(self.stem(x))
            if not self.alone:
                other = threading.Thread(target=lambda: self.body(torch.ones(1, 6, 5, 5)))
                other.start()
                other.join()
            return self.fc(x.mean((2, 3)))

    model = nested_network(kind=Meanwhile)
    expected = autograd_features(model, "body", 2)
    model.alone = False
    for layer in (None, "body"):
        assert_features(compute_features(model, 2, layer), expected)
