"""Networks whose incremental occlusion is compared with full forward passes of the occluded inputs."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.full_occlusion import check_incremental_occlusion

RNG = np.random.default_rng(4)
X = RNG.normal(size=(3, 3, 40, 48))


def assert_equal_to_full(model, monkeypatch, x=X[:1], y=1, **options):
    """Check incremental occlusion against full forward passes."""
    return check_incremental_occlusion(model, monkeypatch, x, y, **{"size": 6, "stride": 5, **options})


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
