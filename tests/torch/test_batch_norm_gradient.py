"""Gradients of a batch norm on a CPU if an axis has the length 1, judged by finite differences."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency


class Tokens(nn.Module):
    """Convolution, norm, and the positions as tokens."""

    def __init__(self, norm, stride=4, padding=0, filters=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, filters, 4, stride, padding), norm(filters), nn.GELU())
        self.norm, self.head = nn.LayerNorm(filters), nn.Linear(filters, 5)

    def forward(self, x):
        return self.head(self.norm(self.stem(x).flatten(2).transpose(1, 2)).mean(1))


class NormOfTokens(nn.Module):
    """Tokens that become a map again before the norm, so that the norm's input has the strides of tokens."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm, self.head = nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.Linear(8 * 144, 5)

    def forward(self, x):
        tokens = torch.tanh(self.embed(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(tokens.contiguous().transpose(1, 2).reshape(len(x), 8, 12, 12)).flatten(1).sin())


class Video(nn.Module):
    """A batch norm over frames, rows and columns."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv3d(2, 8, 2, 2), nn.BatchNorm3d(8), nn.Linear(8, 5)

    def forward(self, x):
        tokens = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
        return self.head(torch.tanh(tokens * torch.arange(tokens.shape[1]).reshape(1, -1, 1)).mean(1))


class OneRow(nn.Module):
    """A map of one row, such as the columns of a line of text."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, (16, 4), 4), nn.BatchNorm2d(8), nn.Linear(8, 5)

    def forward(self, x):
        columns = self.norm(self.conv(x)).permute(0, 3, 1, 2).squeeze(3)  # (N, columns, 8)
        return self.head(torch.tanh(columns * torch.arange(columns.shape[1]).reshape(1, -1, 1)).mean(1))


NETWORKS = {
    "one image": (lambda: Tokens(nn.BatchNorm2d), (1, 3, 48, 48)),
    "one large image": (lambda: Tokens(nn.BatchNorm2d), (1, 3, 64, 64)),
    "without statistics": (lambda: Tokens(lambda n: nn.BatchNorm2d(n, track_running_stats=False)), (1, 3, 48, 48)),
    "instance norm": (lambda: Tokens(nn.InstanceNorm2d), (1, 3, 48, 48)),
    "heavy convolutions": (lambda: Tokens(nn.BatchNorm2d, filters=6000), (1, 3, 64, 64)),
    "norm of tokens": (NormOfTokens, (1, 3, 48, 48)),
    "video": (Video, (1, 2, 4, 8, 8)),
    "two images, one row": (OneRow, (2, 3, 16, 48)),
    "one image, one row": (OneRow, (1, 3, 16, 48)),
}


def network(name, dtype=torch.float64):
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    model = make()
    for module in model.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model.eval().to(dtype), torch.randn(shape, dtype=dtype)


def slope(model, x, direction, step=1e-5):
    """Return how fast the score of class 3 changes along a direction, for each image."""
    with torch.no_grad():
        return ((model(x + step * direction) - model(x - step * direction))[:, 3] / (2 * step)).numpy()


@pytest.mark.filterwarnings("ignore:the model's layer:UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_against_finite_differences(name):
    model, x = network(name)
    direction = torch.randn(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    masks = np.asarray(saliency.Vanilla(model, 3, batch_size=len(x)).GetMasks(x))
    got = (masks * direction.numpy()).reshape(len(x), -1).sum(1)
    np.testing.assert_allclose(got, slope(model, x, direction), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_agree_with_double_precision(dtype):
    model, x = network("one image")
    expected = np.asarray(saliency.Vanilla(model, 3).GetMask(x[0]))
    got = np.asarray(saliency.Vanilla(model.to(dtype), 3).GetMask(x[0]))
    error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
    assert error < (1e-4 if dtype == torch.float32 else 0.1)


def test_gradient_at_a_layer_before_the_norm():
    model, x = network("one image")
    got = np.asarray(saliency.Vanilla(model, 3, at=saliency.OutputOf("stem.0")).GetMask(x[0]))
    hidden = model.stem[0](x).detach()
    rest = lambda hidden: model.head(model.norm(model.stem[2](model.stem[1](hidden)).flatten(2).transpose(1, 2)).mean(1))  # noqa: E731
    direction = torch.randn(hidden.shape, dtype=torch.float64)
    assert (got * direction[0].numpy()).sum() == pytest.approx(slope(rest, hidden, direction)[0], rel=1e-4)


def test_torch_still_computes_a_wrong_gradient():
    """If this test fails, Torch has corrected it: remove ``saliency/torch/batch_norm_gradient.py`` for these versions."""
    model, x = network("one image")
    direction, leaf = torch.randn(x.shape, dtype=torch.float64), x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[0, 3], leaf)
    expected = slope(model, x, direction)[0]
    assert abs((gradient * direction).sum().item() - expected) > 0.05 * abs(expected)
