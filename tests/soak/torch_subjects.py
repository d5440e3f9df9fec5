"""Torch models and masks whose state is compared around interrupts."""

import torch

import saliency
from tests.torch.process_state import process_state as state
from tests.torch.small_network import X, small_network

__all__ = ["state", "subjects"]


class Counting(torch.nn.Module):
    """A model that changes its own state at every call."""

    def __init__(self):
        super().__init__()
        self.network = small_network()
        self.register_buffer("calls", torch.zeros(3))
        self.history, self.number = [torch.zeros(2)], 0

    def forward(self, x):
        self.calls += 1
        self.number += 1
        self.history.append(x.mean() + torch.rand(()))
        return self.network(x)


def attention():
    torch.manual_seed(0)
    encoder = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return torch.nn.Sequential(torch.nn.Flatten(2), encoder, torch.nn.Flatten(), torch.nn.Linear(24, 5))


def _tokens(model):
    inputs = X[0].reshape(3, 64)[:, :8]
    return lambda: saliency.Vanilla(model, 1).GetSmoothedMask(inputs, nsamples=3, seed=0)


def subjects():
    """Return name -> (model, call)."""
    plain, counting, mixed, encoder = small_network().train(), Counting().train(), small_network(), attention()
    mixed.bn.train()
    mixed.conv.weight.requires_grad_(False)
    script = torch.jit.script(small_network())
    inputs = X[0]
    return {
        "smoothed gradient": (plain, lambda: saliency.Vanilla(plain, 1).GetSmoothedMask(inputs, nsamples=3, seed=0)),
        "guided backpropagation": (mixed, lambda: saliency.GuidedBackprop(mixed, 2).GetMasks(X[:3])),
        "Grad-CAM": (plain, lambda: saliency.GradCAM(plain, 1).GetMask(inputs)),
        "guided Grad-CAM": (mixed, lambda: saliency.GuidedGradCAM(mixed, 1, layer="relu").GetMask(inputs)),
        "gradient of a layer": (plain, lambda: saliency.Vanilla(plain, ("conv", 2)).GetMask(inputs)),
        "a model with a state": (counting, lambda: saliency.IntegratedGradients(counting, 1).GetMask(inputs, x_steps=5)),
        "occlusion": (plain, lambda: saliency.Occlusion(plain, 1).GetMask(inputs, size=4, stride=4)),
        "attention": (encoder, _tokens(encoder)),
        "a scripted model": (script, lambda: saliency.Vanilla(script, 1).GetMask(inputs)),
    }
