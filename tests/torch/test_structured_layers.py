"""Layers that return dictionaries and tuples: an entry as a target, as the layer of a map, and for the option `at`."""

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from saliency import GradCAM, GuidedGradCAM, HiResCAM, InputXGradient, OutputOf, Vanilla
from saliency.core.errors import TargetError
from tests.torch.snapshot import snapshot

X = np.random.default_rng(0).normal(size=(3, 3, 12, 12)).astype(np.float32)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.early, self.late = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3, stride=2)

    def forward(self, x):
        early = torch.relu(self.early(x))
        late = self.late(early)
        return {"0": early, "pyramid": (late, late.mean((2, 3))), "last": late}


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.first, self.second = Backbone(), nn.Linear(4, 5), nn.Linear(6, 5)

    def forward(self, x):
        return self.heads(self.backbone(x))

    def heads(self, features):
        pooled = features["last"].relu_().mean((2, 3)) + features["pyramid"][1]
        return self.first(features["0"].tanh().mean((2, 3))) + self.second(pooled)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Detector().eval()


def reference(model, entry):
    """Return the entry's values and the gradient of class 3 by them, with autograd."""
    with torch.no_grad():
        features = model.backbone(torch.tensor(X))
    leaf = (features["0"] if entry == "0" else features["last"]).clone().requires_grad_()
    features["0" if entry == "0" else "last"] = leaf.clone()
    (gradient,) = torch.autograd.grad(model.heads(features)[:, 3].sum(), leaf)
    return leaf.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("entry", ["0", "last", "pyramid/0", "pyramid/-2"])  # the last three are one tensor
def test_entries_equal_an_explicit_leaf(model, entry):
    values, gradient = reference(model, entry)
    before, name = snapshot(model), f"backbone/{entry}"
    for at in (OutputOf(name), name):
        np.testing.assert_array_equal(Vanilla(model, 3, at=at).GetMasks(X), gradient)
        np.testing.assert_array_equal(InputXGradient(model, 3, at=at).GetMasks(X), values * gradient)
    np.testing.assert_allclose(
        HiResCAM(model, 3, layer=name).GetMasks(X, should_resize=False), (values * gradient).sum(1).clip(0), atol=1e-7
    )
    np.testing.assert_array_equal(saliency.activations(model, name, X, several=True), values)
    assert snapshot(model) == before


def test_an_entry_is_a_target(model):
    x = torch.tensor(X, requires_grad=True)
    (expected,) = torch.autograd.grad(model.backbone(x)["0"][:, 2].mean((1, 2)).sum(), x)
    np.testing.assert_allclose(Vanilla(model, ("backbone/0", 2)).GetMasks(X), expected, atol=1e-7)
    mask = Vanilla(model, ("backbone/pyramid/1", lambda out: out[:, 2] - out[:, 0])).GetMasks(X)
    pooled = Vanilla(model, saliency.Difference(("backbone/last", 2), ("backbone/last", 0))).GetMasks(X)
    np.testing.assert_allclose(mask, pooled, atol=1e-7)


def test_guided_grad_cam_at_an_entry_is_the_product_of_its_parts(model):
    mask = GuidedGradCAM(model, 3, layer="backbone/0").GetMasks(X)
    guided = saliency.GuidedBackprop(model, 3).GetMasks(X)
    raw = GradCAM(model, 3, layer="backbone/0").GetMasks(X, should_resize=False).max((1, 2))
    maps = GradCAM(model, 3, layer="backbone/0").GetMasks(X) * raw[:, None, None]
    np.testing.assert_allclose(mask, guided * maps[:, None], atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: Vanilla(m, ("backbone/2", 0)),
            r"layer 'backbone/2' returns a dict without the entry '2', but with '0' \(3",
        ),
        (
            lambda m: Vanilla(m, ("backbone", 0)),
            r"'backbone' returns a dict with '0' \(3, 4, 10, 10\), .*name one as 'layer/ent",
        ),
        (lambda m: GradCAM(m, 0, layer="backbone/5"), r"'backbone/5' returns a dict without the entry '5'.*; a map needs one"),
        (lambda m: Vanilla(m, 0, at="backbone/pyramid"), r"'backbone/pyramid' returns a tuple with '0' .* whose output is"),
        (lambda m: Vanilla(m, 0, at="backbone.early/0"), r"'backbone.early/0' returns a Tensor without the entry '0'; `at`"),
        (lambda m: GradCAM(m, 0, layer="bone/5"), r"`layer` \(='bone/5'\) must be one of the model's 5 layers; nearest: back"),
    ],
)
def test_errors_list_what_is_there(model, call, message):
    with pytest.raises(TargetError, match=message):
        call(model).GetMasks(X)
