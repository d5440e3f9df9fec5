"""User-defined backward rules at every kind of ReLU, and callable targets of layers, against closed forms."""

import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM, OutputOf, Vanilla
from saliency.core.adapter_request import Request
from saliency.core.errors import InputError, ModelError
from tests.torch.nested_network import X, nested_network
from tests.torch.snapshot import snapshot
from tests.user_rules import check_equal_rules, invalid_rules

V = np.random.default_rng(1).normal(size=(2, 6)).astype(np.float32) * 4
W = np.array([[1.0, -2.0, 3.0, -1.0, 0.5, 2.0]], np.float32)


def guided(gradient, output):
    return gradient * (gradient > 0) * (output > 0)


def rectified(gradient, output):
    return gradient * (gradient > 0)


@pytest.mark.parametrize(("rule", "named"), [(guided, "guided"), (rectified, "rectified"), (lambda g, y: g * (y > 0), None)])
@pytest.mark.parametrize("layer", [None, "stem", "body"])
def test_callable_versions_of_the_named_rules(rule, named, layer):
    model = nested_network()
    before = snapshot(model)
    check_equal_rules(model, X, rule, named, layer)
    assert snapshot(model) == before


class WeightedFunction(nn.Module):
    """A weighted sum of a function of the input."""

    def __init__(self, function):
        super().__init__()
        self.function, self.weights = function, nn.Parameter(torch.tensor(W[0]))

    def forward(self, x):
        return (self.function(x * 1) * self.weights).sum(1, keepdim=True)


RELUS = {
    "relu": torch.relu,
    "relu_": torch.relu_,
    "Threshold": nn.Threshold(0, 0),
    "Threshold, in place": nn.Threshold(0, 0, inplace=True),
    "relu6": nn.functional.relu6,
    "leaky, 0": lambda x: nn.functional.leaky_relu(x, 0.0),
    "clamp": lambda x: x.clamp(0, 3),
    "clamp, min": lambda x: x.clamp(min=0),
    "clamp_, min": lambda x: x.clamp_(min=0),
    "clamp, tensors": lambda x: torch.clamp(x, torch.zeros(6), torch.full((6,), 3.0)),
    "clamp, tensor": lambda x: torch.clamp(x, min=torch.zeros(6)),
    "maximum": lambda x: torch.maximum(torch.zeros(6), x),
    "fmax": lambda x: torch.fmax(x, torch.zeros(6)),
}


@pytest.mark.parametrize("relu", RELUS.values(), ids=RELUS)
def test_rule_receives_the_relu_output(relu):
    wanted = relu(torch.tensor(V)).numpy()
    got = Vanilla(WeightedFunction(relu), 0).GetMasks(V, rule=lambda gradient, output: gradient * 0 + output)
    np.testing.assert_allclose(got, wanted, rtol=1e-6)
    np.testing.assert_allclose(
        Vanilla(WeightedFunction(relu), 0).GetMasks(V, rule=lambda gradient, output: gradient**2),
        np.broadcast_to(W**2, V.shape),
        rtol=1e-6,
    )


def test_rule_is_released():
    class Rule:
        def __call__(self, gradient, output):
            return gradient

    rule, model = Rule(), nested_network()
    Vanilla(model, 1).GetMasks(X, rule=rule)
    gone = weakref.ref(rule)
    del rule
    gc.collect()
    assert gone() is None


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (ctx.saved_tensors[0] > 0)


@pytest.mark.parametrize(("rule", "message"), invalid_rules("Tensor", "torch.float32", "torch.bool", r"\(2, 6\)"))
def test_error_for_an_invalid_rule(rule, message):
    with pytest.raises(InputError, match=message):
        Vanilla(WeightedFunction(torch.relu), 0).GetMasks(V, rule=rule)


def test_error_for_a_custom_relu_without_its_output():
    adapter = saliency.wrap(WeightedFunction(MyReLU.apply), relu_nodes=["MyReLUBackward"])
    assert Vanilla(adapter, 0).GetMasks(V, rule="rectified").any()
    with pytest.raises(ModelError, match="MyReLUBackward does not save its output"):
        Vanilla(adapter, 0).GetMasks(V, rule=rectified)


def test_callable_of_a_layer():
    model = nested_network()
    for layer in ("body", model.body):
        got = Vanilla(model, (layer, lambda h: h[:, 2].mean((1, 2)))).GetMasks(X)
        np.testing.assert_allclose(got, Vanilla(model, ("body", 2)).GetMasks(X), rtol=1e-5, atol=1e-8)


def test_callable_of_several_layers():
    model = nested_network()
    both = Vanilla(model, (("stem", "body"), lambda h: 2 * h[0][:, 1].mean((1, 2)) - h[1][:, 2].mean((1, 2))))
    one, other = (Vanilla(model, y).GetMasks(X) for y in (("stem", 1), ("body", 2)))
    np.testing.assert_allclose(both.GetMasks(X), 2 * one - other, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(both.GetMask(X[0]), both.GetMasks(X)[0], rtol=1e-4, atol=1e-7)


def test_map_of_a_target_in_several_layers():
    model = nested_network()
    y = (("body", "fc"), lambda h: h[0][:, 2].mean((1, 2)) + h[1][:, 0])
    found, named = (GradCAM(model, y, layer=layer).GetMasks(X, should_resize=False) for layer in (None, "twice"))
    np.testing.assert_array_equal(found, named)


@pytest.mark.filterwarnings("ignore::saliency.ZeroGradientWarning")
def test_gradient_by_a_layer_output():
    model = nested_network()
    _, _, gradients = saliency.wrap(model).features(
        torch.tensor(X), Request(saliency.core.target.Target.of([1] * 3), layer="stem")
    )
    np.testing.assert_allclose(Vanilla(model, 1, at=OutputOf("stem")).GetMasks(X), gradients.numpy(), rtol=1e-5, atol=1e-8)
    weights = model.fc.weight[1].detach().numpy()
    np.testing.assert_allclose(Vanilla(model, 1, at=OutputOf(model.fc)).GetMasks(X), np.eye(len(model.fc.weight))[[1] * 3])
    np.testing.assert_allclose(Vanilla(model, 1, at="fc").GetMasks(X), np.stack([weights] * 3), rtol=1e-6)
