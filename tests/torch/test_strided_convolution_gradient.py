"""The gradient of a strided first convolution, computed by phases, equals autograd's."""

import pytest
import torch
from torch import nn

import saliency
from saliency.torch import strided_convolution_gradient

torch.manual_seed(0)
X = torch.randn(3, 3, 65, 70)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((7, 7), (2, 2), (3, 3)),
        ((11, 11), (4, 4), (2, 2)),
        ((16, 16), (16, 16), (0, 0)),
        ((5, 8), (3, 2), (0, 4)),
        ((4, 4), (5, 7), (1, 2)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_gradient_equals_autograd(kernel, stride, padding, channels):
    x = torch.randn(2, channels, 61, 66, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, channels, *kernel, dtype=torch.float64)
    output = nn.functional.conv2d(x, weight, stride=stride, padding=padding)
    outwards = torch.randn_like(output)
    (expected,) = torch.autograd.grad(output, x, outwards)
    got = strided_convolution_gradient.convolution_input_gradient(outwards, weight, stride, padding, (61, 66))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


def network(*before, kernel=7, stride=2, **settings):
    torch.manual_seed(1)
    return nn.Sequential(
        *before, nn.Conv2d(3, 8, kernel, stride, **settings), nn.ReLU(), nn.Conv2d(8, 5, 3), nn.Flatten(2)
    ).eval()


def score(model, x):
    return model(x).amax(2)[:, 1].sum()


class Scaled(nn.Module):
    def forward(self, x):
        return (x - 0.4) / 0.2


class TwoWays(nn.Module):
    """The output depends on the image through the convolution and through a skip connection."""

    def __init__(self):
        super().__init__()
        self.through = network()

    def forward(self, x):
        return self.through(x) + x.mean((1, 2, 3))[:, None, None]


@pytest.mark.parametrize(
    ("model", "used"),
    [
        (network(), True),
        (network(padding=3), True),
        (network(padding="valid"), True),
        (network(Scaled()), True),
        (network(nn.ZeroPad2d(3), Scaled()), True),
        (network(nn.ReLU(inplace=True)), True),
        (network(stride=1), False),
        (network(kernel=3), False),
        (network(dilation=2), False),
        (TwoWays(), False),
    ],
)
def test_used_if_all_paths_lead_through_the_convolution(model, used):
    leaf = X.clone().requires_grad_()
    x = leaf + 0 if isinstance(model, nn.Sequential) and isinstance(model[0], nn.ReLU) else leaf
    found = score(model, x)
    (expected,) = torch.autograd.grad(found, leaf, retain_graph=True)
    node = strided_convolution_gradient.find_strided_convolution(found, leaf)
    assert (node is not None) == used
    if used:
        got = strided_convolution_gradient.gradient_through_convolution(node, found, leaf, retain_graph=True)
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()
        assert torch.equal(
            strided_convolution_gradient.gradient_through_convolution(node, found, leaf, retain_graph=False), got
        )


@pytest.mark.parametrize("mask", [saliency.Vanilla, saliency.GuidedBackprop])
def test_masks_of_several_targets(mask, monkeypatch):
    model = nn.Sequential(network(Scaled(), padding=3), nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()
    x = X[0].numpy()
    masks = mask(model).GetMasks([x, x], [1, 3])
    monkeypatch.setattr(strided_convolution_gradient, "is_large", lambda x: False)
    for y, got in zip((1, 3), masks, strict=True):
        expected = mask(model, y).GetMask(x)
        assert abs(got - expected).max() <= 1e-5 * abs(expected).max()
        assert not (got == expected).all()  # another way was taken


def test_network_without_a_convolution():
    leaf = X.clone().requires_grad_()
    assert strided_convolution_gradient.find_strided_convolution(leaf.flatten(1)[:, 5], leaf) is None


def test_small_images_use_autograd():
    model, leaf = network(padding=3), X[:1, :, :32, :32].clone().requires_grad_()
    assert strided_convolution_gradient.find_strided_convolution(score(model, leaf), leaf) is None
