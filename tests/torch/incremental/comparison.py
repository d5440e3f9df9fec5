"""Compare incremental occlusion with full forward passes of the occluded inputs."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency.core.methods import incremental_occlusion

RNG = np.random.default_rng(4)


X = RNG.normal(size=(3, 3, 40, 48))


def full_occlusion(mask, x, monkeypatch, **options):
    with monkeypatch.context() as patched:
        patched.setattr(incremental_occlusion, "MIN_WINDOWS", math.inf)
        found = mask.GetMasks(x, **options)
    assert not found.details["incremental"].any()
    return found


def assert_equal_to_full(model, monkeypatch, x=X[:1], y=1, within=1e-9, settings=None, **options):
    """Check that incremental occlusion was used, and that it equals full forward passes."""
    options = {"size": 6, "stride": 5, **options}
    mask = saliency.Occlusion(model, **(settings or {}))
    expected, found = full_occlusion(mask, x, monkeypatch, y=y, **options), mask.GetMasks(x, y=y, **options)
    assert found.details["incremental"].all()
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= within * np.abs(other).max()
        assert np.abs(other).max() > 0
    return found


def float64_network(*layers):
    torch.manual_seed(0)
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.LazyLinear(4)).double().eval()
    model(torch.zeros(1, 3, 40, 48, dtype=torch.float64))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.weight)
    return model


class FunctionOfLayers(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


def conv(channels=3, out=6, kernel=3, **options):
    return nn.Conv2d(channels, out, kernel, **options)


def residual_network(end=()):
    body = FunctionOfLayers(lambda x, a: F.relu(a(x) + x), conv(6, padding=1))
    return float64_network(conv(stride=2), nn.BatchNorm2d(6), nn.ReLU(True), body, *end)
