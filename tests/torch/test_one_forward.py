"""Guided Grad-CAM computes its two gradients from one forward pass, with the same result as from two."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency.core.adapter import GradientAdapter
from saliency.torch import TorchAdapter

X = np.random.default_rng(0).normal(size=(2, 3, 24, 24)).astype(np.float32)


class Net(nn.Module):
    """The layer is called twice and followed by in-place ReLUs."""

    def __init__(self):
        super().__init__()
        self.stem, self.twice, self.head = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1), nn.Linear(6, 4)
        self.forwards = []

    def forward(self, x):
        self.forwards.append(1)  # a call restores numbers
        hidden = torch.relu_(self.twice(torch.relu(self.stem(x))))
        return self.head(torch.relu_(self.twice(hidden)).mean((2, 3)))


def net():
    torch.manual_seed(1)
    return Net().eval()


@pytest.mark.parametrize("layer", ["stem", "twice", None])
def test_gradients_equal_those_of_two_passes(layer, monkeypatch):
    model = net()
    mask = saliency.GuidedGradCAM(model, layer=layer)
    mask.GetMasks(X, [1, 2])
    model.forwards.clear()
    found = mask.GetMasks(X, [1, 2])
    assert len(model.forwards) == 1
    monkeypatch.setattr(TorchAdapter, "features_and_gradients", GradientAdapter.features_and_gradients)
    expected = saliency.GuidedGradCAM(model, layer=layer).GetMasks(X, [1, 2])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * np.abs(expected).max())
    assert (np.abs(expected).reshape(2, -1).max(axis=1) > 0).all()


def test_one_forward_pass_for_several_targets():
    model = net()
    mask = saliency.GuidedGradCAM(model, layer="stem")
    one_by_one = [mask.GetMask(X[0], y=None) if y is None else mask.GetMasks(X[:1], [y])[0] for y in range(4)]
    model.forwards.clear()
    together = mask.GetMasks([X[0]] * 4, range(4))
    assert len(model.forwards) == 1
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-6 * np.abs(one_by_one).max())


def test_error_for_a_layer_without_influence():
    class Detached(Net):
        def forward(self, x):
            return self.head(torch.relu(self.stem(x)).mean((2, 3)) + self.twice(torch.zeros(1, 6, 3, 3)).mean().detach())

    model = Detached().eval()
    with pytest.raises(saliency.GradientError, match="does not depend on layer 'twice'|was detached"):
        saliency.GuidedGradCAM(model, 1, layer="twice").GetMasks(X[:1])


def test_hooks_are_removed():
    model = net()
    saliency.GuidedGradCAM(model, 1, layer="stem").GetMasks(X)
    assert not any(module._forward_hooks for module in model.modules())
