"""Operators with and without a rule for patches."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.torch.incremental.comparison import FunctionOfLayers, assert_equal_to_full, conv, float64_network

POOLS = [
    nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d((2, 3), (3, 2), (0, 1), ceil_mode=True),
    nn.MaxPool2d(2, 1, dilation=3), nn.MaxPool2d(2, 3), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d((1, 4), (1, 2)),
    nn.AvgPool2d(2, divisor_override=3),
]  # fmt: skip


WITH_RULES = {
    "convolution": [conv()],
    "padded": [conv(padding=1), conv(6)],
    "wide padding": [conv(padding=4), conv(6, padding=(3, 0))],
    "same": [conv(kernel=(3, 5), padding="same"), conv(6, kernel=5, padding="same")],
    "stride": [conv(stride=2, padding=1), conv(6, stride=(1, 3)), conv(6, kernel=1, stride=2)],
    "stride larger than kernel": [conv(kernel=2, stride=4), conv(6, kernel=1, stride=2)],
    "dilation": [conv(dilation=2, padding=2), conv(6, dilation=(3, 1), stride=2)],
    "groups": [conv(), conv(6, groups=3, padding=1), conv(6, 12, groups=6, padding=1)],
    "without bias": [conv(bias=False), conv(6, bias=False)],
    "no rule for reflection padding": [conv(), nn.ReflectionPad2d(1), conv(6)],
    "padding layers": [nn.ZeroPad2d((1, 2, 3, 0)), conv(), nn.ConstantPad2d(2, 0.5), conv(6)],
    "batch norm": [conv(), nn.BatchNorm2d(6), nn.ReLU(inplace=True), conv(6)],
    "dropout": [conv(), nn.Dropout2d(0.5), nn.Dropout(0.5), conv(6)],
    "activations": [
        conv(), nn.ReLU(), nn.ReLU6(inplace=True), nn.LeakyReLU(0.1), nn.ELU(inplace=True), nn.SiLU(), nn.GELU(), nn.Hardswish(),
        nn.PReLU(6), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), conv(6),
    ],
    "arithmetic": [conv(), FunctionOfLayers(lambda x: (2 * x - 1) / 3 + x.abs().sqrt() - x.clamp(-1, 1) ** 2), conv(6)],
    "one value per channel": [FunctionOfLayers(lambda x: x * torch.arange(1.0, 4).reshape(3, 1, 1).double()), conv()],
    "branches with several kernel sizes": [
        conv(), FunctionOfLayers(lambda x, a, b: a(x) + b(x) * x, conv(6, padding=1), conv(6, kernel=5, padding=2)), conv(6),
    ],
    "residual, in place": [conv(), FunctionOfLayers(lambda x, a: F.relu_(a(x).add_(x)), conv(6, padding=1)), conv(6)],
    "modified copy": [conv(), FunctionOfLayers(lambda x: x.detach().relu_() + x), conv(6)],
    "fire": [
        conv(), FunctionOfLayers(lambda x, a, b: torch.cat([a(x), b(x), x], 1), conv(6, kernel=1), conv(6, padding=1)), conv(18),
    ],
    **{str(pool): [conv(), pool, conv(6, padding=1)] for pool in POOLS},
}  # fmt: skip


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("name", WITH_RULES)
def test_operators_with_a_rule(name, monkeypatch, operator_names):
    assert_equal_to_full(float64_network(*WITH_RULES[name]), monkeypatch)
    if not name.startswith("no rule"):
        assert operator_names().count("convolution") == sum(
            isinstance(m, nn.Conv2d) for m in float64_network(*WITH_RULES[name]).modules()
        )
        assert not operator_names(full_maps=True)


WITHOUT_RULES = {
    "average pooling without the padding": [conv(), nn.AvgPool2d(3, 2, 1, count_include_pad=False), conv(6)],
    "average pooling in ceil mode": [conv(), nn.AvgPool2d(3, 2, ceil_mode=True), conv(6)],
    "transposed convolution": [conv(), nn.ConvTranspose2d(6, 6, 3, stride=2), conv(6)],
    "negative padding": [conv(), nn.ZeroPad2d(-2), conv(6)],
    "group norm": [conv(), nn.GroupNorm(2, 6), conv(6)],
    "gate by a global mean": [conv(), FunctionOfLayers(lambda x: x * x.mean((2, 3), keepdim=True).sigmoid()), conv(6)],
    "global mean of the input": [FunctionOfLayers(lambda x: x - x.mean((1, 2, 3), keepdim=True)), conv()],
    "concatenation of rows": [conv(), FunctionOfLayers(lambda x: torch.cat([x, x], 2)), conv(6)],
    "value per position": [conv(), FunctionOfLayers(lambda x: x + torch.arange(46.0).double()), conv(6)],
    "in place on a slice": [conv(), FunctionOfLayers(lambda x: (x[:, :2].mul_(0.0), x)[1] + 1), conv(6)],
    "in place on a slice of the input": [FunctionOfLayers(lambda x: (x[:, 0].add_(x[:, 1]), x)[1] + 1), conv()],
    "reshaped input": [FunctionOfLayers(lambda x: x.reshape(len(x), 12, 20, 24)), conv(12)],
    "flip and transpose": [conv(), FunctionOfLayers(lambda x: x.flip(2).transpose(2, 3)), conv(6)],
    "data-dependent branch": [conv(), FunctionOfLayers(lambda x: x * 2 if x.mean() > 100 else x * 3), conv(6)],
    "flatten and linear": [nn.Flatten(), nn.Linear(5760, 30), nn.Unflatten(1, (30, 1, 1))],
}


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("name", WITHOUT_RULES)
def test_operators_without_a_rule(name, monkeypatch, operator_names):
    assert_equal_to_full(float64_network(*WITHOUT_RULES[name]), monkeypatch)
