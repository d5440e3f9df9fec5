"""Errors about layers whose input cannot be differentiated by."""

import numpy as np
import pytest
from torch import nn

import saliency
from saliency import GuidedBackprop, Vanilla
from saliency.core.errors import GradientError, InputError, NoReLUError, TargetError
from tests.torch.layer_chain import layer_chain
from tests.torch.nested_network import X
from tests.torch.snapshot import snapshot


class InvalidInputs(nn.Module):
    """Layers whose inputs are not floating-point tensors (N, ...), and one that is not called."""

    def __init__(self):
        super().__init__()
        self.embedding, self.pair, self.merged, self.unused = nn.Embedding(9, 4), Pair(), nn.Linear(4, 2), nn.Linear(2, 2)

    def forward(self, x):
        h = self.embedding((x > 0).long()).sum(1)  # (N, 4)
        h = self.pair([h, h])
        return self.merged(h[None].expand(3, *h.shape)).sum(0) + self.merged.weight.sum() * 0


class Pair(nn.Module):
    def forward(self, pair):
        return pair[0] + pair[1]


@pytest.mark.parametrize(
    ("at", "match"),
    [
        (
            "embedding",
            r"layer 'embedding' receives a tensor of torch.int64; `at` needs a layer whose input is a floating-point tensor",
        ),
        ("pair", r"layer 'pair' receives a list; `at` needs"),
        ("unused", r"layer 'unused' was not called in the forward pass"),
        ("merged", r"layer 'merged' receives shape \(3, 2, 4\) for 2 input\(s\); `at` needs \(2, ...\)"),
        ("merge", r"`at` \(='merge'\) must be one of the model's 4 layers; nearest: merged"),
        (nn.ReLU(), r"`at` \(ReLU\) must be a part of the model"),
        (3, r"`at` \(=3\) must be one of"),
        (["merged"], r"`at` \(=\['merged'\]\) must be one of"),
    ],
)
def test_errors(at, match):
    model = InvalidInputs()
    before = snapshot(model)
    with pytest.raises(TargetError, match=match):
        Vanilla(model, 1).GetMasks(np.ones((2, 5)), at=at)
    assert snapshot(model) == before


@pytest.mark.parametrize(
    ("y", "at", "error", "match"),
    [
        (("1", 0), "6", GradientError, "the score does not depend on the input of layer '6': no path"),
        (lambda out: out[:, 0].detach(), "6", GradientError, "the score does not depend on the input of layer '6'"),
        (1, "8", NoReLUError, "no ReLU between the input of layer '8' and the score"),
        (9, "8", TargetError, "9"),
    ],
)
def test_scores_that_do_not_depend_on_it(y, at, error, match):
    model = layer_chain()
    before = snapshot(model)
    with pytest.raises(error, match=match):
        GuidedBackprop(model, y).GetMask(X[0], at=at)
    assert snapshot(model) == before


def test_an_interrupt_leaves_no_hook():
    model = layer_chain()
    before = snapshot(model)

    def stop(out):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Vanilla(model, stop).GetMask(X[0], at="6")
    assert snapshot(model) == before


def test_other_methods_have_no_such_option():
    with pytest.raises(InputError, match="`at` is not an option of Occlusion"):
        saliency.Occlusion(layer_chain(), 1, at="6")
