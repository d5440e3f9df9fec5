"""Gradients by a layer's input equal those of the model without its earlier layers."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GuidedBackprop, Vanilla
from saliency.core.adapter_request import Request
from tests.torch.layer_chain import METHODS, layer_chain
from tests.torch.nested_network import X, nested_network
from tests.torch.snapshot import snapshot


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", range(8))
def test_gradient_equals_that_of_the_layers_after(method, at, inplace):
    model, before = layer_chain(inplace), None
    before = snapshot(model)
    with torch.no_grad():
        h = layer_chain(inplace=False)[:at](torch.tensor(X))
    got = method(model, 2).GetMasks(X, at=str(at))
    assert got.shape == tuple(h.shape) and got.any() and snapshot(model) == before
    np.testing.assert_array_equal(got, method(model, 2).GetMasks(X, at=model[at]))
    np.testing.assert_allclose(got, method(layer_chain(inplace=False)[at:], 2).GetMasks(h), rtol=1e-5, atol=1e-7)


def test_gradient_by_a_linear_layer_is_a_row_of_its_weights():
    model = layer_chain()
    np.testing.assert_array_equal(Vanilla(model, 2, at="8").GetMask(X[0]), model[8].weight[2].detach())
    np.testing.assert_allclose(
        GuidedBackprop(model, 2).GetMask(X[0], at=model[7]),
        model[8].weight[2].detach().clamp(min=0) * (model[:7](torch.tensor(X[:1]))[0] > 0),
    )


def test_input_of_the_whole_model_is_the_input():
    model = layer_chain()
    for method in METHODS:
        np.testing.assert_array_equal(method(model, 1).GetMasks(X, at=model), method(model, 1).GetMasks(X))


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")  # a channel that is dead for two of them
@pytest.mark.parametrize("y", [("3", 2), ("3", 2, 1, 1), ("4", 2), ("6", 5), lambda out: out[:, :2].sum(1), None])
def test_with_targets_of_every_kind(y):
    model = layer_chain()
    h = layer_chain(inplace=False)[:3](torch.tensor(X)).detach().requires_grad_()
    inner = [h]
    for part in layer_chain(inplace=False)[3:]:
        inner.append(part(inner[-1]))
    score = {3: lambda: inner[1][:, 2], 4: lambda: inner[2][:, 2], 6: lambda: inner[4][:, 5]}
    if y is None:
        values = inner[-1].amax(1)
    elif callable(y):
        values = y(inner[-1])
    elif len(y) == 4:
        values = inner[1][:, 2, 1, 1]
    else:
        values = score[int(y[0])]()
    values = values.mean((1, 2)) if values.ndim == 3 else values
    (wanted,) = torch.autograd.grad(values.sum(), h)
    np.testing.assert_allclose(Vanilla(model, y, at="3").GetMasks(X), wanted, rtol=1e-5, atol=1e-7)


def test_logits_after_the_layer():
    with_softmax = Vanilla(layer_chain(end=nn.Softmax(1)), 2, at="3").GetMasks(X)
    np.testing.assert_allclose(with_softmax, Vanilla(layer_chain(), 2, at="3").GetMasks(X), rtol=1e-5, atol=1e-7)


def test_several_targets_of_an_input_and_any_batch_size():
    model = layer_chain()
    one_by_one = np.stack([Vanilla(model, y).GetMask(x, at="6") for x in X[:2] for y in range(4)])
    together = Vanilla(model).GetMasks([x for x in X[:2] for _ in range(4)], [*range(4)] * 2, at="6")
    np.testing.assert_allclose(together, one_by_one, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        Vanilla(model, 1, batch_size=2).GetMasks(X, at="3"), Vanilla(model, 1).GetMasks(X, at="3"), rtol=1e-5, atol=1e-7
    )


def test_smoothed_masks_have_the_shape_of_the_layer():
    model = layer_chain()
    options = {"nsamples": 6, "seed": 1, "magnitude": False, "at": "3"}
    got = GuidedBackprop(model, 1).GetSmoothedMask(X[0], stdev_spread=0.2, **options)
    assert got.shape == (4, 7, 5)
    still = GuidedBackprop(model, 1).GetSmoothedMask(X[0], stdev_spread=0.0, **options)
    np.testing.assert_allclose(still, GuidedBackprop(model, 1).GetMask(X[0], at="3"), rtol=1e-5, atol=1e-7)
    assert not np.allclose(got, still)


def test_no_graph_before_the_layer():
    model, seen = layer_chain(), []
    model[2].register_forward_hook(lambda module, inputs, output: seen.append(output.requires_grad))
    model[3].register_forward_hook(lambda module, inputs, output: seen.append(output.requires_grad))
    Vanilla(model, 1, at="3").GetMask(X[0])
    assert seen == [False, True]


def test_last_call_of_a_layer_counts():
    model = nested_network()
    h = model.stem(torch.tensor(X))
    h = torch.relu(model.twice(h)).detach().requires_grad_()
    out = model.fc(torch.relu(model.body(model.twice(h))).mean((2, 3)))
    (wanted,) = torch.autograd.grad(out[:, 2].sum(), h)
    np.testing.assert_allclose(Vanilla(model, 2, at="twice").GetMasks(X), wanted, rtol=1e-5, atol=1e-7)


class Branches(nn.Module):
    """A skip connection around a layer that may work in place."""

    def __init__(self, relu, thrown_away=False):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.relu, self.fc, self.thrown_away = nn.Conv2d(3, 2, 3), relu, nn.Linear(2 * 14 * 10, 3), thrown_away

    def forward(self, x):
        h = self.conv(x)
        r = self.relu(h)
        return self.fc((h if self.thrown_away else h + r).flatten(1))


def test_skip_connection_does_not_count():
    model = Branches(nn.ReLU())
    h, w = model.conv(torch.tensor(X)).detach(), model.fc.weight[1].detach().reshape(2, 14, 10)
    np.testing.assert_allclose(Vanilla(model, 1, at="relu").GetMasks(X), w * (h > 0), rtol=1e-6)


@pytest.mark.parametrize("thrown_away", [False, True])
def test_in_place_changes_of_a_layer_are_kept(thrown_away):
    """Some networks call `self.relu(x)`, discard the result and continue with x."""
    model = Branches(nn.ReLU(inplace=True), thrown_away)
    h, w = model.conv(torch.tensor(X)).detach(), model.fc.weight[1].detach().reshape(2, 14, 10)
    times, adapter = 1 if thrown_away else 2, saliency.wrap(model)
    np.testing.assert_allclose(Vanilla(adapter, 1, at="relu").GetMasks(X), times * w * (h > 0), rtol=1e-5)
    np.testing.assert_allclose(
        GuidedBackprop(adapter, 1, at="relu").GetMasks(X), (times * w).clamp(min=0) * (h > 0), rtol=1e-5
    )
    np.testing.assert_allclose(
        Vanilla(adapter, 1, at="relu").adapter.gradients(torch.tensor(X), Request(target(1), at="relu"))[0],
        model(torch.tensor(X))[:, 1].detach(),
        rtol=1e-5,
    )


def target(y):
    return saliency.core.target.Target.of([y] * len(X))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.fc = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.attention(query=x, key=x, value=x)[0].sum(1))


def test_tensor_passed_as_three_keywords_counts_three_times():
    torch.manual_seed(0)
    model, x = Attention(), np.random.default_rng(0).normal(size=(2, 5, 4))
    wanted = Vanilla(model, 1).GetMasks(x)
    np.testing.assert_allclose(Vanilla(model, 1, at="attention").GetMasks(x), wanted, rtol=1e-4, atol=1e-7)


def test_half_precision_gives_float32():
    model = layer_chain(inplace=False).bfloat16()
    got = Vanilla(model, 1, at="6").GetMask(X[0])
    assert got.dtype == np.float32 and got.any()


def test_model_without_gradients_before_the_layer():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = layer_chain()

        def forward(self, x):
            with torch.no_grad():
                h = self.model[:4](x)
            return self.model[4:](h)

    np.testing.assert_allclose(
        Vanilla(Frozen(), 1, at="model.6").GetMask(X[0]), Vanilla(layer_chain(), 1, at="6").GetMask(X[0]), rtol=1e-5
    )
