"""LRP on Torch, against the definition written out by hand, and against what must not change it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency import nets

X = np.random.default_rng(0).normal(size=(2, 3, 9, 9)).astype(np.float32)


def small(bias=True, inplace=False, norm=True):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=bias), nn.BatchNorm2d(6) if norm else nn.Identity(), nn.ReLU(inplace),
        nn.Conv2d(6, 8, 3, stride=2, groups=2, bias=bias), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32, 5, bias=bias),
    )  # fmt: skip
    if norm:
        nn.init.uniform_(net[1].running_var, 0.5, 2), nn.init.normal_(net[1].running_mean), nn.init.normal_(net[1].bias)
        nn.init.normal_(net[1].weight)
    return net.double().eval()


def safe(z):
    return z + torch.where(z < 0, -1e-6, 1e-6).to(z)


def redistribute(x, relevance, terms):
    """Share relevance among inputs by the definition: for each (input, output, sign), input * d output / d input."""
    total = 0
    for part, outputs, factor in terms:
        shares = factor * relevance / safe(sum(outputs)).detach()
        for one, output in zip(part, outputs, strict=True):
            total = total + one * torch.autograd.grad((output * shares).sum(), one, retain_graph=True)[0]
    return total.detach()


def reference(net, x, y, rule):
    """Return the relevance of the inputs, with the batch norm folded by hand and each rule written as in the paper."""
    conv, norm, _, second, _, _, _, linear = net
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    weights = (conv.weight * scale[:, None, None, None]).detach()
    bias = ((conv.bias - norm.running_mean) * scale + norm.bias).detach()
    first = F.conv2d(x, weights, bias, padding=1)
    hidden = F.conv2d(first.relu(), second.weight, second.bias, stride=2, groups=2).detach()
    pooled = F.max_pool2d(hidden.relu(), 2).flatten(1)
    scores = linear(pooled)
    top = pooled * linear.weight[y] * (scores[:, y] / safe(scores[:, y]))[:, None]
    leaf = hidden.relu().requires_grad_()
    (routed,) = torch.autograd.grad(
        (F.max_pool2d(leaf, 2).flatten(1) * (top / pooled.where(pooled != 0, torch.ones(())).detach())).sum(), leaf
    )
    relevance = (leaf * routed).detach()
    relevance = _pass(first.relu(), second.weight, second.bias, {"stride": 2, "groups": 2}, relevance, rule)
    return _pass(x, weights, bias, {"padding": 1}, relevance, rule).numpy(), scores[:, y].detach().numpy()


def _pass(x, weight, bias, geometry, relevance, rule):
    x, weight, bias = x.detach(), weight.detach(), bias.detach()

    def parts(sign, low_x=1.0):
        one, other = x.clamp(min=0).requires_grad_(), x.clamp(max=0).requires_grad_()
        up, down = (weight.clamp(min=0), weight.clamp(max=0))[::sign]
        of_bias = bias.clamp(min=0) if sign > 0 else bias.clamp(max=0)
        return (one, other), (F.conv2d(one, up, of_bias, **geometry), F.conv2d(other, down, **geometry))

    if rule == "epsilon":
        leaf = x.clone().requires_grad_()
        return redistribute(x, relevance, [((leaf,), (F.conv2d(leaf, weight, bias, **geometry),), 1)])
    if rule == "plus":
        return redistribute(x, relevance, [(*parts(1), 1)])
    return redistribute(x, relevance, [(*parts(1), 2), (*parts(-1), -1)])


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("rule", ["epsilon", "plus", "alpha2-beta1"])
def test_definition(rule, inplace):
    net = small(inplace=inplace)
    expected, scores = reference(small(), torch.tensor(X).double(), 3, rule)
    masks = saliency.LRP(net, 3, rule={"convolution": rule}).GetMasks(X)
    np.testing.assert_allclose(masks, expected, rtol=0, atol=2e-5 * abs(expected).max())
    sums = masks.reshape(2, -1).sum(1)
    np.testing.assert_allclose(masks.details["conservation"], sums / scores, rtol=1e-5)


@pytest.mark.parametrize("rule", ["epsilon", "epsilon-plus", "epsilon-plus-flat", "attn-lrp", "cp-lrp"])
def test_without_biases_relevance_is_conserved(rule):
    masks = saliency.LRP(small(bias=False, norm=False), [0, 1], rule=rule).GetMasks(np.abs(X) + 0.1)
    np.testing.assert_allclose(masks.details["conservation"], 1, atol=2e-3)


def test_box_is_conserved_and_needs_bounds():
    net = small(bias=False, norm=False)
    mask = saliency.LRP(net, 1, rule="epsilon-gamma-box", low=-4, high=np.full((3, 1, 1), 4.0)).GetMask(X[0])
    assert mask.details["conservation"] == pytest.approx(1, abs=2e-3)
    with pytest.raises(saliency.InputError, match="`low`"):
        saliency.LRP(net, 1, rule="epsilon-gamma-box", high=4).GetMask(X[0])
    with pytest.raises(saliency.InputError, match="`low` must not exceed `high`.* by up to 8"):
        saliency.LRP(net, 1, rule="epsilon-gamma-box", low=4, high=-4).GetMask(X[0])
    with pytest.raises(saliency.InputError, match="broadcast"):
        saliency.LRP(net, 1, rule="epsilon-gamma-box", low=[1, 2], high=4).GetMask(X[0])


class Functional(nn.Module):
    """The same network as `small`, with functions, a ReLU in place that is used twice, and a shared layer."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        conv, norm, _, second, _, _, _, linear = self.net
        x = F.conv2d(x, conv.weight, conv.bias, padding=1)
        x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
        x = self.relu(torch.conv2d(self.relu(x), second.weight, second.bias, 2, 0, 1, 2))
        return torch.addmm(linear.bias, F.max_pool2d(x, 2).flatten(1), linear.weight.T)


@pytest.mark.parametrize("rule", ["epsilon", "epsilon-plus", "epsilon-plus-flat", "alpha2-beta1-flat"])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_functions_scripts_and_compiled_models_have_the_same_relevance(rule):
    net = small()
    expected = saliency.LRP(net, 3, rule=rule).GetMasks(X)
    traced = torch.jit.trace(net, torch.tensor(X).double())
    for other in (Functional(net), traced, torch.compile(net, backend="eager"), torch.jit.script(net)):
        np.testing.assert_allclose(saliency.LRP(other, 3, rule=rule).GetMasks(X), expected, atol=1e-9)


def test_a_layer_that_is_called_twice_and_an_input_that_is_overwritten():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(1)
            self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
            self.act = nn.LeakyReLU(0.1, inplace=True)

        def forward(self, x, copies=False):
            keep = (lambda z: z.clone()) if copies else (lambda z: z)
            z = self.conv(x)
            h = self.act(keep(self.conv(self.act(keep(z)))))
            return (h + x).mean((2, 3))

    class Copies(Net):
        def forward(self, x):
            return super().forward(x, True)

    masks = [saliency.LRP(kind().double(), 1, rule="epsilon-plus").GetMasks(X) for kind in (Net, Copies)]
    np.testing.assert_allclose(*masks, atol=1e-12)
    np.testing.assert_allclose(masks[0].details["conservation"], 1, atol=1e-3)


def test_several_targets_and_a_layer():
    net = small()
    both = saliency.LRP(net).GetMasks(X, y=[0, 3])
    np.testing.assert_allclose(both[1], saliency.LRP(net, 3).GetMask(X[1]), atol=1e-9)
    at = saliency.LRP(net, 3, rule="epsilon-plus-flat", at=saliency.OutputOf("4")).GetMasks(X)
    assert at.shape == (2, 8, 4, 4)
    difference = saliency.LRP(net, saliency.Difference(3, 0)).GetMask(X[0])
    alone = [saliency.LRP(net, y, rule="epsilon").GetMask(X[0]) for y in (3, 0)]
    np.testing.assert_allclose(
        saliency.LRP(net, saliency.Difference(3, 0), rule="epsilon").GetMask(X[0]), alone[0] - alone[1], atol=2e-4
    )
    assert np.isfinite(difference).all()


def test_the_model_stays_as_it_was():
    net = small().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    saliency.LRP(net, 1, rule="alpha2-beta1-flat").GetMask(X[0])
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("name", ["epsilon", "epsilon-plus", "alpha2-beta1-flat"])
def test_demo_net(name):
    network = nets.load("DemoNet")
    mask = saliency.LRP(network.model, 3, rule=name).GetMask(np.random.default_rng(0).random((3, 96, 96), np.float32))
    assert np.isfinite(mask).all() and mask.shape == (3, 96, 96)
