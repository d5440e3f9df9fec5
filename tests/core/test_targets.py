"""Targets: differences of classes, and several kinds of targets in one call."""

import numpy as np
import pytest

from saliency import Difference, IntegratedGradients, Vanilla
from tests.reference import linear

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3, 5, 6))
W = RNG.normal(size=(4, 3, 5, 6))


def test_a_difference_of_classes():
    np.testing.assert_allclose(Vanilla(linear(W), Difference(2, 0)).GetMask(X[0]), W[2] - W[0])
    np.testing.assert_allclose(Vanilla(linear(W), Difference([1, 2], 3)).GetMask(X[0]), W[1] + W[2] - W[3])
    masks = Vanilla(linear(W)).GetMasks(X[:4], y=[Difference(2, 0), 1, Difference(1, [0, 3]), [2, 3]])
    np.testing.assert_allclose(masks, [W[2] - W[0], W[1], W[1] - W[0] - W[3], W[2] + W[3]])
    assert masks.about.targets == [
        "class 2 rather than class 0",
        "class 1",
        "class 1 rather than classes 0 + 3",
        "classes 2 + 3",
    ]
    mask = IntegratedGradients(linear(W), Difference(2, 0)).GetMask(X[0])
    np.testing.assert_allclose(mask.sum(), ((W[2] - W[0]) * X[0]).sum(), rtol=1e-6)


def test_the_top_class_is_a_detail():
    top = (X.reshape(6, -1) @ W.reshape(4, -1).T).argmax(axis=1)
    masks = Vanilla(linear(W), batch_size=4).GetMasks(X)
    np.testing.assert_array_equal(masks.details["target"], top)
    assert "target" not in Vanilla(linear(W), 0).GetMask(X[0]).details


@pytest.mark.needs("torch")
def test_targets_in_different_layers():
    import torch

    torch.manual_seed(0)
    trunk, heads = torch.nn.Conv2d(3, 4, 3), torch.nn.ModuleDict({name: torch.nn.Linear(4, 6) for name in "ab"})

    class TwoHeads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.heads = trunk, heads

        def forward(self, x):
            features = torch.relu(self.trunk(x)).mean((2, 3))
            return {name: head(features) for name, head in self.heads.items()}

    model, x = TwoHeads().eval(), X[0]
    ys = [("heads.a", 3), ("heads.b", 5), ("heads.b", 1), ("trunk", 1, 0, 2), ("trunk", 2), lambda out: out["a"][:, 0]]
    masks = Vanilla(model).GetMasks([x] * len(ys), y=ys)
    for mask, y in zip(masks, ys, strict=True):
        np.testing.assert_allclose(mask, Vanilla(model, y).GetMask(x), rtol=1e-5, atol=1e-7)


@pytest.mark.needs("torch")
def test_each_input_has_its_own_function():
    import torch

    layer = torch.nn.Linear(90, 4, bias=False)
    layer.weight.data = torch.tensor(W.reshape(4, -1))
    functions = [lambda out: out[:, 1], lambda out: out[:, 2] * 2]
    ys = [functions[0], functions[1], functions[1], 3, None]
    masks = Vanilla(torch.nn.Sequential(torch.nn.Flatten(), layer)).GetMasks(X[:5], y=ys)
    top = int((X[4].ravel() @ W.reshape(4, -1).T).argmax())
    np.testing.assert_allclose(masks, [W[1], 2 * W[2], 2 * W[2], W[3], W[top]], rtol=1e-6)
