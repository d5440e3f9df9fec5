"""A model that registers hooks on its own layers in its first pass, as those of transformers 5 do."""

import numpy as np
import torch
from torch import nn

import saliency

X = np.random.default_rng(0).normal(size=(3, 6, 6)).astype("f4")


class Capturing(nn.Module):
    """Sum up what hooks collect from the layers; the hooks are registered once, and an attribute notes it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
        self.collected = None

    def forward(self, x):
        if not getattr(self, "_hooked", False):
            for layer in self.layers:
                layer.register_forward_hook(self.hook())
            self._hooked = True
        self.collected = []
        self.layers(x)
        return sum(each.mean((2, 3)) for each in self.collected if each.shape[1] == 4)

    def hook(self):
        def collect(module, args, output):
            self.collected.append(output)

        collect.__module__ = "transformers.utils.output_capturing"
        return collect


def hooks(model):
    return [hook for module in model.modules() for hook in module._forward_hooks.values()]


def test_a_model_that_hooks_itself_is_left_without_hooks():
    expected = Capturing()(torch.tensor(X)[None])
    model = Capturing()
    first = saliency.Vanilla(model, 1).GetMask(X)
    assert hooks(model) == [] and not hasattr(model, "_hooked") and model.collected is None
    assert np.array_equal(saliency.Vanilla(model, 1).GetMask(X), first)
    assert torch.equal(model(torch.tensor(X)[None]), expected)


def test_hooks_that_were_there_before_stay():
    model = Capturing()
    expected = model(torch.tensor(X)[None])
    before = hooks(model)
    mask = saliency.Vanilla(model, 1).GetMask(X)
    assert hooks(model) == before and len(before) == 3 and torch.equal(model(torch.tensor(X)[None]), expected)
    assert np.array_equal(mask, saliency.Vanilla(Capturing(), 1).GetMask(X))


def test_hooks_that_others_add_during_a_call_stay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    added = []

    def score(outputs):
        added.append(model[0].register_forward_hook(lambda *_: None))
        return outputs[:, 1]

    saliency.Vanilla(model, score).GetMask(X)
    assert len(added) == len(model[0]._forward_hooks) > 0
