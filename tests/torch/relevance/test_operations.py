"""LRP through normalizations, activations, products and operations that have no rule."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import saliency

X = np.random.default_rng(0).normal(size=(2, 6, 8)).astype(np.float64)


class Function(nn.Module):
    def __init__(self, function, **layers):
        super().__init__()
        torch.manual_seed(0)
        self.function, self.anchor = function, nn.Parameter(torch.zeros((), dtype=torch.float64))
        for name, layer in layers.items():
            setattr(self, name, layer().double())

    def forward(self, x):
        return self.function(self, x)


def relevance(function, rule="epsilon", **layers):
    net = Function(function, **layers)
    mask = saliency.LRP(net, lambda out: out.flatten(1).sum(1), rule=rule, epsilon=0).GetMasks(X)
    return net, torch.tensor(np.asarray(mask))


def gradient(function, x=X):
    leaf = torch.tensor(x).requires_grad_()
    return (leaf * torch.autograd.grad(function(leaf).sum(), leaf)[0]).detach()


ACTIVATIONS = [F.gelu, F.silu, F.elu, F.relu6, torch.tanh, F.hardswish, F.mish, torch.sigmoid, F.leaky_relu, F.celu, F.selu]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda function: function.__name__)
def test_activations_pass_relevance_unchanged(activation):
    _, found = relevance(lambda _, x: activation(x * 3))
    np.testing.assert_allclose(found, activation(torch.tensor(X) * 3), atol=1e-12)


def test_layer_norm_and_others_hold_their_deviation_constant():
    def layer_norm(x):
        return F.layer_norm(x, (8,))

    def by_hand(x):
        mean = x.mean(-1, keepdim=True)
        return (x - mean) / ((x - mean) ** 2).mean(-1, keepdim=True).add(1e-5).sqrt().detach()

    expected = gradient(lambda x: by_hand(x) * torch.arange(8))
    for function in (
        layer_norm,
        lambda x: (x - x.mean(-1, keepdim=True)) * (x.var(-1, keepdim=True, correction=0) + 1e-5) ** -0.5,
    ):
        _, found = relevance(lambda _, x, function=function: function(x) * torch.arange(8))
        np.testing.assert_allclose(found, expected, atol=1e-10)
    _, groups = relevance(lambda _, x: F.group_norm(x.reshape(2, 2, 24), 2))
    np.testing.assert_allclose(groups.sum((1, 2)), F.group_norm(torch.tensor(X).reshape(2, 2, 24), 2).sum((1, 2)), atol=1e-10)
    _, rms = relevance(lambda _, x: F.rms_norm(x, (8,)))
    np.testing.assert_allclose(rms, F.rms_norm(torch.tensor(X), (8,)), atol=1e-10)


def test_gates_get_nothing_and_factors_share():
    _, gated = relevance(lambda _, x: x * torch.sigmoid(x.mean(1, keepdim=True)))
    np.testing.assert_allclose(gated, torch.tensor(X) * torch.sigmoid(torch.tensor(X).mean(1, keepdim=True)), atol=1e-12)
    _, product = relevance(lambda _, x: x[:, :3] * x[:, 3:])
    half = torch.tensor(X[:, :3] * X[:, 3:]) / 2
    np.testing.assert_allclose(product, torch.cat([half, half], 1), atol=1e-12)


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        torch.manual_seed(0)
        self.qkv, self.out, self.fused = nn.Linear(8, 24), nn.Linear(8, 8), fused

    def forward(self, x):
        q, k, v = (one.reshape(len(x), 6, 2, 4).transpose(1, 2) for one in self.qkv(x).chunk(3, -1))
        h = F.scaled_dot_product_attention(q, k, v) if self.fused else torch.softmax(q @ k.transpose(-1, -2) / 2, -1) @ v
        return self.out(h.transpose(1, 2).reshape(x.shape)).mean(1)


@pytest.mark.parametrize("rule", ["attn-lrp", "cp-lrp"])
def test_attention_by_its_definition(rule):
    net = Attention(False).double()
    x = torch.tensor(X)
    leaf = x.clone().requires_grad_()
    q, k, v = (one.reshape(2, 6, 2, 4).transpose(1, 2) for one in net.qkv(leaf).chunk(3, -1))
    half = (lambda z: z / 2 + z.detach() / 2) if rule == "attn-lrp" else (lambda z: z)
    products = half(q) @ half(k).transpose(-1, -2) / 2
    weights = torch.softmax(products, -1)
    h = half(weights if rule == "attn-lrp" else weights.detach()) @ half(v)
    out = net.out(h.transpose(1, 2).reshape(2, 6, 8)).mean(1)
    expected = leaf * torch.autograd.grad(out[:, 3].sum(), leaf)[0]
    for fused in (False, True):
        masks = saliency.LRP(Attention(fused).double(), 3, rule=rule).GetMasks(X)
        np.testing.assert_allclose(masks, expected.detach(), atol=1e-7)


@pytest.mark.parametrize("part", [np.abs, np.asarray], ids=["positive inputs", "inputs of both signs"])
def test_gamma_by_its_definition(part):
    torch.manual_seed(0)
    net, x = nn.Linear(8, 5).double(), torch.tensor(part(X[0]))
    terms, bias, y = x[:, :, None] * net.weight.T, net.bias, net(x)
    own = [terms.clamp(min=0), terms.clamp(max=0)], [bias.clamp(min=0), bias.clamp(max=0)]
    of_sign, of_bias = (torch.where((y > 0).reshape(-1, *[1] * (one[0].ndim - 2), 5), *one) for one in own)
    shares = (terms + 0.3 * of_sign) / (y + 0.3 * (of_sign.sum(1) + of_bias))[:, None]
    masks = saliency.LRP(net, lambda out: out.sum(1), rule={"linear": "gamma"}, gamma=0.3).GetMasks(x)
    np.testing.assert_allclose(masks, (shares * y[:, None]).sum(2).detach(), atol=1e-4)


@pytest.mark.parametrize("layer", [
    lambda: nn.ConvTranspose1d(6, 4, 3, stride=2), lambda: nn.Conv1d(6, 4, 3, dilation=2, padding=2, groups=2),
])  # fmt: skip
def test_other_convolutions_are_conserved(layer):
    torch.manual_seed(0)
    for rule in ("epsilon-plus", "epsilon-plus-flat", "alpha2-beta1-flat"):
        net = layer()
        net.bias = None
        masks = saliency.LRP(net.double(), lambda out: out.flatten(1).relu().sum(1), rule=rule).GetMasks(X)
        np.testing.assert_allclose(masks.details["conservation"], 1, atol=1e-3)
    volume = nn.Conv3d(2, 3, 2, bias=False).double()
    mask = saliency.LRP(volume, lambda out: out.flatten(1).relu().sum(1)).GetMask(
        np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    )
    assert mask.details["conservation"] == pytest.approx(1, abs=1e-3)


def test_an_operation_without_a_rule_is_named():
    net = Function(lambda _, x: torch.exp(x).sum(1))
    with pytest.raises(saliency.ModelError, match=r"no rule for the operation ExpBackward0.*allow_gradient"):
        saliency.LRP(net, 0).GetMask(X[0])
    mask = saliency.LRP(net, 0, allow_gradient=True).GetMask(X[0])
    np.testing.assert_allclose(mask[:, 0], X[0, :, 0] * np.exp(X[0, :, 0]))


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x.square() @ weight

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return 2 * x * (gradient @ weight.T), None


def test_a_custom_function_is_more_than_its_last_operator():
    def checkpointed(net, x):
        return checkpoint(net.layers, x, use_reentrant=True).mean(1)

    def squared(net, x):
        return Squared.apply(x, net.layers[0].weight).mean(1)

    layers = {"layers": lambda: nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))}
    for function, name in ((checkpointed, "CheckpointFunctionBackward"), (squared, "SquaredBackward")):
        with pytest.raises(saliency.ModelError, match=f"no rule for the operation {name}"):
            saliency.LRP(Function(function, **layers), 0).GetMask(X[0])


def test_first_layer_rules_need_a_first_layer():
    curved = Function(lambda net, x: net.linear(torch.tanh(x)).mean(1), linear=lambda: nn.Linear(8, 3))
    with pytest.raises(saliency.ModelError, match="the input enters TanhBackward0"):
        saliency.LRP(curved, 0, rule="epsilon-plus-flat").GetMask(X[0])
    scaled = Function(lambda net, x: net.linear((x - 0.5) / 2).mean(1), linear=lambda: nn.Linear(8, 3, bias=False))
    with pytest.raises(saliency.ModelError, match="bounds of the model's input"):
        saliency.LRP(scaled, 0, rule="epsilon-gamma-box", low=-4, high=4).GetMask(X[0])
    flat = saliency.LRP(scaled, 0, rule="epsilon-plus-flat").GetMask(X[0])  # a scale does not change relevance
    plain = Function(lambda net, x: net.linear(x).mean(1), linear=lambda: nn.Linear(8, 3, bias=False))
    np.testing.assert_allclose(flat, saliency.LRP(plain, 0, rule="epsilon-plus-flat").GetMask((X[0] - 0.5) / 2), atol=1e-9)


class Half(saliency.LRPRule):
    def multipliers(self, operation, multipliers):
        return 0.5 * operation.transpose(multipliers)


class Wrong(saliency.LRPRule):
    def multipliers(self, operation, multipliers):
        return multipliers


def test_rules_of_a_user():
    net = nn.Linear(8, 3, bias=False).double()
    x = X[0, 0]
    np.testing.assert_allclose(saliency.LRP(net, 1, rule=Half()).GetMask(x), 0.5 * x * net.weight[1].detach().numpy())
    with pytest.raises(saliency.InputError, match="Wrong"):
        saliency.LRP(net, 1, rule=Wrong()).GetMask(x)
    with pytest.raises(saliency.InputError, match="Did you mean 'epsilon-plus'"):
        saliency.LRP(net, 1, rule="epsilon-plu").GetMask(x)


def test_an_adapter_without_relevance_says_so():
    with pytest.raises(saliency.ModelError, match="LRP reads the operations"):
        saliency.LRP(lambda x: x, 0).GetMask(X[0, 0])
