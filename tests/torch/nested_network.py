"""A network with nested layers, and a layer's output and gradient by autograd."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import saliency
from saliency import GradCAM, GuidedGradCAM, ScoreCAM
from saliency.core.adapter_request import Request
from saliency.core.target import Target

RNG = np.random.default_rng(0)


X = RNG.normal(size=(3, 3, 16, 12)).astype(np.float32)


METHODS = [GradCAM, GuidedGradCAM, ScoreCAM]


class NestedNetwork(nn.Module):
    """Nested layers, a functional ReLU after the last one, and two calls of `twice`."""

    def __init__(self, end=None):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(inplace=True))
        self.body = nn.Sequential(
            nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()), nn.Conv2d(8, 6, 3)
        )
        self.twice = nn.Conv2d(6, 6, 1)
        self.fc = nn.Linear(6, 5)
        self.end = end or nn.Identity()

    def forward(self, x):
        x = self.twice(F.relu(self.twice(self.stem(x))))  # (N, 6, 8, 6)
        x = F.relu(self.body(x), inplace=True)  # (N, 6, 6, 4)
        return self.end(self.fc(x.mean((2, 3))))


class AxesMoved(nn.Module):
    """A network for inputs with another order of axes and another scale."""

    def __init__(self, model, channel_axis, middle=None):
        super().__init__()
        self.model, self.channel_axis, self.middle = model, channel_axis, middle

    def forward(self, x):
        x = x if self.middle is None else (x - self.middle) * 2
        return self.model(x[:, None] if self.channel_axis is None else x.movedim(self.channel_axis + 1, 1))


def nested_network(end=None, kind=NestedNetwork):
    torch.manual_seed(0)
    model = kind(end).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(0.5) if weights.ndim == 1 else weights.normal_(std=0.3)
        model.fc.weight.abs_()  # so that no map is empty
    return model


def autograd_features(model, layer, y, x=X, read=lambda outputs, y: outputs[:, y]):
    """Return a layer's last output, and d score / d output by autograd with the full graph."""
    kept = []
    module = model.get_submodule(layer)
    with module.register_forward_hook(lambda module, inputs, output: kept.append(output.clone()) or kept[-1].clone()):
        outputs = model(torch.tensor(x))
    (gradients,) = torch.autograd.grad(read(outputs, y).sum(), kept[-1])
    return kept[-1].detach().numpy(), gradients.numpy()


def compute_features(model, y, layer=None, x=X, **options):
    adapter = saliency.wrap(model, **options)
    _, found, gradients = adapter.features(torch.tensor(x), Request(Target.of([y] * len(x)), layer=layer))
    return found.numpy(), gradients.numpy()


def assert_features(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=3e-6 * np.abs(theirs).max())
    assert expected[1].any()
