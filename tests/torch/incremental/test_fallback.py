"""Models and inputs for which full forward passes are used instead."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency import nets
from tests.full_occlusion import full_occlusion
from tests.torch.incremental.comparison import RNG, X, conv, residual_network


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.end = nn.LSTM(3 * 40, 8, batch_first=True).double(), nn.Linear(8, 3).double()

    def forward(self, x):
        return self.end(self.lstm(x.flatten(1, 2).transpose(1, 2))[0][:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = conv(3, 64, 4, stride=4).double()
        self.layer = nn.TransformerEncoderLayer(64, 2, 128, batch_first=True, dtype=torch.float64)
        self.end = nn.Linear(64, 3).double()

    def forward(self, x):
        return self.end(self.layer(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("model", [Recurrent, Attention])
def test_models_where_patches_save_nothing(model, monkeypatch):
    torch.manual_seed(0)
    mask = saliency.Occlusion(model().eval(), 1)
    found = mask.GetMasks(X[:2], size=8, stride=4)
    assert not found.details["incremental"].any()
    np.testing.assert_array_equal(found, full_occlusion(mask, X[:2], monkeypatch, size=8, stride=4))


class DifferentOnPatches(nn.Module):
    """It detects patches and returns other values for them."""

    def __init__(self, error):
        super().__init__()
        self.inner, self.error = residual_network(), error

    def forward(self, x):
        patched = type(x) is not torch.Tensor
        return self.inner(x) * (1 + self.error * patched)


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("error", [0.5, 1e-3])
def test_fallback_if_scores_differ(error, monkeypatch):
    mask = saliency.Occlusion(DifferentOnPatches(error), 1)
    found = mask.GetMasks(X, size=6, stride=5)
    assert not found.details["incremental"].any()
    np.testing.assert_array_equal(found, full_occlusion(mask, X, monkeypatch, size=6, stride=5))


class ChangingOperators(nn.Module):
    """It calls other operators in every third pass."""

    def __init__(self):
        super().__init__()
        self.inner, self.times = residual_network(), itertools.count()  # a pass restores a number, but not this object

    def forward(self, x):
        return self.inner(x * 1.0 if (next(self.times) + 1) % 3 else x + 0.0)


class ThroughNumPy(nn.Module):
    """It converts its input to NumPy and back."""

    def __init__(self):
        super().__init__()
        self.inner = residual_network()

    def forward(self, x):
        return self.inner(torch.from_numpy(x.numpy() * 2))


class MaximaPositions(nn.Module):
    """It uses the positions of maxima."""

    def __init__(self):
        super().__init__()
        self.inner = residual_network()

    def forward(self, x):
        return self.inner(F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2))


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("model", [ChangingOperators, ThroughNumPy, MaximaPositions])
def test_fallback_for_unsupported_operations(model, monkeypatch):
    mask = saliency.Occlusion(model(), 1)
    found = mask.GetMasks(X, size=6, stride=5)
    assert not found.details["incremental"].any()
    np.testing.assert_allclose(found, full_occlusion(mask, X, monkeypatch, size=6, stride=5), rtol=1e-12)


@pytest.mark.usefixtures("force_incremental")
def test_hooks_of_the_user_receive_plain_tensors():
    model, seen = residual_network(), []
    with model[3].register_forward_hook(lambda *args: seen.append(type(args[2]))):
        assert not saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5).details["incremental"]
    assert set(seen) == {torch.Tensor}
    assert saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5).details["incremental"]


@pytest.mark.usefixtures("force_incremental")
def test_fallback_for_scripted_modules():
    model = residual_network()
    with pytest.warns(DeprecationWarning):
        traced = torch.jit.trace(model, torch.from_numpy(X[:1]))
    mask = saliency.Occlusion(traced, 1).GetMask(X[0], size=6, stride=5)
    assert not mask.details["incremental"]
    np.testing.assert_allclose(saliency.Occlusion(model, 1).GetMask(X[0], size=6, stride=5), mask, rtol=1e-9, atol=1e-12)


def test_fallback_where_little_is_saved():
    network = nets.load("DemoNet")
    x = RNG.random((3, 96, 96))
    taken = {
        size: bool(saliency.Occlusion(network.model, 3).GetMask(x, size=size, stride=stride).details["incremental"])
        for size, stride in ((8, 8), (15, 15), (48, 48), (90, 2))
    }
    assert taken == {8: True, 15: True, 48: False, 90: False}


@pytest.mark.usefixtures("force_incremental")
@pytest.mark.parametrize("shape", [(3, 40), (2, 3, 8, 9)])
def test_fallback_for_signals_and_volumes(shape):
    layer = nn.Conv1d(3, 2, 3) if len(shape) == 2 else nn.Conv3d(2, 2, 3)
    assert not saliency.Occlusion(layer, 1).GetMask(RNG.normal(size=shape), size=2, stride=2).details["incremental"]
