"""Recurrent layers in eval mode, which cuDNN does not differentiate."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

import saliency
from saliency.torch.recurrent_layers import RecurrentWithoutCudnn, differentiable_recurrent_layers

X = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
LAYERS = [nn.LSTM, nn.GRU, nn.RNN]


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.conv, self.layer, self.head = nn.Conv1d(12, 12, 1), layer(6, 10, 2, batch_first=True), nn.Linear(10, 3)

    def forward(self, x):
        return self.head(self.layer(self.conv(x))[0][:, -1])


def make(layer):
    torch.manual_seed(0)
    return Recurrent(layer).eval()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("layer", LAYERS)
def test_masks_on_cuda_are_those_of_a_cpu(layer):
    expected = saliency.Vanilla(make(layer), 1).GetMask(X)
    model = make(layer).cuda()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported, script = torch.export.export(model, (torch.tensor(X)[None].cuda(),)).module(), torch.jit.script(model)
    for one in (model, exported, script):
        np.testing.assert_allclose(saliency.Vanilla(one, 1, batch_size=1).GetMask(X), expected, atol=1e-5)
        np.testing.assert_allclose(
            saliency.Occlusion(one, 1, batch_size=1).GetMask(X, size=1),
            saliency.Occlusion(make(layer), 1).GetMask(X, size=1),
            atol=1e-5,
        )
    assert torch.backends.cudnn.enabled


@pytest.mark.parametrize("layer", LAYERS)
def test_cudnn_is_off_in_recurrent_layers_only(layer):
    model, seen = make(layer), {}

    class Observer(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.setdefault(func.__name__, set()).add(torch.backends.cudnn.enabled)
            return func(*args, **(kwargs or {}))

    with Observer(), RecurrentWithoutCudnn():
        model(torch.tensor(X)[None])
    name = {nn.LSTM: "lstm", nn.GRU: "gru", nn.RNN: "rnn_tanh"}[layer]
    assert seen[name] == {False} and seen["conv1d"] == {True}
    assert torch.backends.cudnn.enabled


def test_only_models_on_cuda_are_affected():
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert isinstance(differentiable_recurrent_layers(make(nn.LSTM), cuda), RecurrentWithoutCudnn)
    assert not isinstance(differentiable_recurrent_layers(make(nn.LSTM), cpu), RecurrentWithoutCudnn)
    assert not isinstance(differentiable_recurrent_layers(nn.Linear(2, 2), cuda), RecurrentWithoutCudnn)
