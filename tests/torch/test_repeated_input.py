"""Several targets of one input, whose forward pass is computed once and whose gradients are computed in one pass."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from tests.torch.small_network import X, small_network

YS = [0, 3, [1, 2], 4, 2, 1, 0, 3]


class Residual(nn.Module):
    """It has layers with several inputs, in-place operators, pooling, and reshapes."""

    def __init__(self, mix=lambda x: x):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.norm, self.end, self.mix = nn.BatchNorm2d(6), nn.Linear(12, 5), mix
        nn.init.normal_(self.norm.running_mean)

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)), inplace=True)
        x = F.max_pool2d(x, 3, 2, 1)
        x = torch.cat([x, F.gelu(self.second(x)) * 2 + x], dim=1)
        x = x.view(len(x), 2, 6, *x.shape[2:]).transpose(1, 2).reshape(len(x), 12, *x.shape[2:])
        return self.end(self.mix(x.mean((2, 3))))


def counted(model, monkeypatch):
    """Return a list of the batch sizes that the model receives."""
    sizes, forward = [], model.forward
    monkeypatch.setattr(model, "forward", lambda x: sizes.append(len(x)) or forward(x))
    return sizes


def assert_equals_one_at_a_time(mask, x=X[0]):
    together = mask.GetMasks([x] * len(YS), YS)
    alone = np.concatenate([mask.GetMasks(x[None], [y]) for y in YS])
    np.testing.assert_allclose(together, alone, rtol=0, atol=2e-6 * np.abs(alone).max())
    assert np.abs(alone).max() > 0
    return together


@pytest.mark.parametrize("model", [small_network, Residual])
def test_one_pass_for_all_targets(model, monkeypatch):
    model = model().eval()
    mask = saliency.Vanilla(model)
    scores = assert_equals_one_at_a_time(mask).details["score"]
    alone = [mask.GetMasks(X[:1], [y]).details["score"][0] for y in YS]
    np.testing.assert_allclose(scores, alone, rtol=1e-5, atol=1e-6)
    assert_equals_one_at_a_time(saliency.IntegratedGradients(model, x_steps=3))
    sizes = counted(model, monkeypatch)
    mask.GetMasks([X[0]] * len(YS), YS)
    assert sizes == [len(YS)]  # one forward pass, of which each operator computes one row
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x - 0.5 * x.mean(0),
        lambda x: x + x.flip(0).cumsum(0),
        lambda x: x * torch.arange(1.0, len(x) + 1)[:, None],
        lambda x: x + x.permute(1, 0).softmax(1).permute(1, 0),
        lambda x: x * len(x),
        lambda x: x if len(x) == 1 else x**2,
    ],
)
def test_models_that_may_mix_rows_take_a_pass_for_each_target(mix, monkeypatch):
    model = Residual(mix).eval()
    mask = saliency.Vanilla(model)
    assert_equals_one_at_a_time(mask)
    sizes = counted(model, monkeypatch)
    mask.GetMasks([X[0]] * len(YS), YS)
    assert sizes == [1]


def test_hooks_and_rules_see_one_input():
    model, sizes = small_network(), []
    saliency.GuidedBackprop(model).GetMasks([X[0]] * 2, [0, 1])
    model.relu.register_forward_hook(lambda module, args, output: sizes.append(len(output)))
    saliency.Vanilla(model).GetMasks([X[0]] * 2, [0, 1])
    assert sizes == [1]
