"""Layer-wise relevance propagation against zennit, on the same networks in double precision. `make test-peers` runs this file."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from zennit import composites, torchvision
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm

import saliency

LOW, HIGH, CLASS = -3.0, 3.0, 2
COMPOSITES = {
    "epsilon-plus": "EpsilonPlus",
    "epsilon-plus-flat": "EpsilonPlusFlat",
    "epsilon-gamma-box": "EpsilonGammaBox",
    "alpha2-beta1-flat": "EpsilonAlpha2Beta1Flat",
}
"""Composite -> its class in zennit."""

batch_norm = partial(nn.BatchNorm2d, eps=1e-12)
"""A batch norm with a small epsilon: zennit merges it into the weights, and then divides by ``sqrt(1 + eps)`` once more."""


def plain_network():
    """Convolutions of several kinds, pooling and dense layers, as in VGG."""
    convolutions = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, groups=2), nn.Conv2d(8, 12, 3, dilation=2)]
    dense = [nn.Flatten(), nn.LazyLinear(20), nn.ReLU(), nn.Linear(20, 5)]
    first, second, third = convolutions
    return nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), third, nn.ReLU(), nn.AvgPool2d(2), *dense)


def network_with_batch_norms():
    """Convolutions with batch norms, which zennit merges into the weights."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), batch_norm(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 8, 3, bias=False), batch_norm(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(5)),
    )


def residual_network():
    """ResNet-18 of torchvision, whose sums and batch norms zennit rewrites."""
    from torchvision.models import resnet18

    return resnet18(num_classes=5, norm_layer=batch_norm)


NETWORKS = {
    "plain": (plain_network, SequentialMergeBatchNorm),
    "batch norms": (network_with_batch_norms, SequentialMergeBatchNorm),
    "residual": (residual_network, torchvision.ResNetCanonizer),
}
"""Name -> how to build it, and its canonizer in zennit."""


def build(name):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 32, 40, dtype=torch.float64).clamp(LOW, HIGH)
    model = NETWORKS[name][0]().double()
    model.train()(x)  # lazy layers, and statistics of the batch norms
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(10)  # zennit moves every divisor by 1e-6, of which large outputs depend less
    return model.eval(), x


def of_zennit(model, x, rule, canonizer):
    options = {"canonizers": [canonizer()]}
    if rule == "epsilon-gamma-box":
        options |= {"low": LOW * torch.ones_like(x[:1]), "high": HIGH * torch.ones_like(x[:1])}

    def start(output):
        chosen = torch.zeros_like(output)
        chosen[:, CLASS] = output[:, CLASS]
        return chosen

    with Gradient(model=model, composite=getattr(composites, COMPOSITES[rule])(**options)) as attributor:
        return attributor(x.clone().requires_grad_(), start)[1].detach().numpy()


@pytest.mark.parametrize("rule", COMPOSITES)
@pytest.mark.parametrize("name", NETWORKS)
def test_composites(name, rule):
    model, x = build(name)
    bounds = {"low": LOW, "high": HIGH} if rule == "epsilon-gamma-box" else {}
    found = saliency.LRP(model, CLASS, rule=rule, **bounds).GetMasks(x.numpy())
    expected = of_zennit(model, x, rule, NETWORKS[name][1])
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()
