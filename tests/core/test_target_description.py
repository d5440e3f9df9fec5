"""Descriptions of targets in the title of a mask."""

import numpy as np
import pytest

from saliency import Occlusion, Vanilla
from tests.reference import linear

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 3, 8, 9))
W = RNG.normal(size=(4, 3, 8, 9))


def test_descriptions_of_targets():
    def depth(outputs):
        return outputs[:, 0]

    def target(y):
        return Occlusion(lambda batch: batch[:, :, 0, 0], y, size=8).GetMask(X[0]).about.targets

    assert target([0, 2]) == ["classes 0 + 2"]
    assert target(depth) == ["depth of the output"]
    assert target(lambda outputs: outputs[:, 0]) == ["a function of the output"]
    assert Vanilla(linear(W)).GetMasks(X[:2], [0, [1, 2]]).about.targets == ["class 0", "classes 1 + 2"]


@pytest.mark.needs("torch")
def test_descriptions_of_layers():
    import torch

    layer = torch.nn.Conv2d(3, 5, 3)
    model = torch.nn.Sequential(layer, torch.nn.Flatten()).eval()
    masks = Vanilla(model).GetMasks(X[:2], [("0", 4, 1, 2), ("0", 3, 0, 0)])
    assert masks.about.targets == ["layer 0, channel 4 at row 1, column 2", "layer 0, channel 3 at row 0, column 0"]
    assert Vanilla(model, (layer, 4)).GetMask(X[0]).about.targets == ["layer Conv2d, channel 4"]
