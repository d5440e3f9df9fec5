"""Test which axes of an input with two axes are spatial: those that the model proves, or both."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.two_axis_inputs import ASSUMED, WEIGHTS, X, expected


class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(WEIGHTS))

    def forward(self, x):
        return (x * self.weights).sum((1, 2))[:, None]


class Gray(nn.Module):
    """Add the missing channel axis, as many networks of digits do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False).double()
        self.rest = Weighted()

    def forward(self, x):
        return self.rest(self.conv(x[:, None])[:, 0])


class Signal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 2, 1, bias=False).double()

    def forward(self, x):
        return self.conv(x).sum((1, 2))[:, None]


def test_rows_and_columns_of_a_model_without_evidence():
    with pytest.warns(UserWarning, match=ASSUMED):
        mask = saliency.Occlusion(Weighted(), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-5)
    mask = saliency.Occlusion(saliency.wrap(Weighted(), channel_axis=None), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-5)
    saliency.Vanilla(Weighted(), 0).GetMask(X)  # needs no axes, so it does not warn


def exported(model):
    return torch.export.export(model, (torch.tensor(np.stack([X, X])),), dynamic_shapes=({0: torch.export.Dim("n")},))


@pytest.mark.parametrize("wrapped", [lambda model: model, exported])
def test_a_convolution_proves_gray_images_and_channels(wrapped):
    gray, signal = Gray().eval(), Signal().eval()
    factor = float(gray.conv.weight.detach())
    mask = saliency.Occlusion(wrapped(gray), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, factor * expected((3, 3)), rtol=1e-5)
    weights = signal.conv.weight.detach()[:, :, 0].sum(0)[:, None].repeat(1, 5).numpy()
    mask = saliency.Occlusion(wrapped(signal), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((6, 3), weights), rtol=1e-5)


def test_class_activation_map_of_a_gray_image():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Unflatten(1, (1, 12)), nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(100, 3))
    x = torch.randn(12, 12)
    mask = saliency.GradCAM(model, 1).GetMask(x)
    colored = saliency.GradCAM(model[1:], 1).GetMask(x[None])
    assert mask.shape == (12, 12)
    np.testing.assert_allclose(mask, colored, rtol=1e-5)
