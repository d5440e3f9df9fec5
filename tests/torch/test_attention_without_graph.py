"""AttentionRollout reads the weights of later passes from operators: the same maps, without a graph."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

import saliency
from tests.torch.attention_networks import SPELLINGS, ViT, explicit, fused

X = np.random.default_rng(0).normal(size=(2, 3, 24, 32)).astype(np.float32)


def passes(model, times=4):
    """Return the maps of several calls, and whether each pass through the model recorded a graph."""
    graphs, mask = [], saliency.AttentionRollout(model, 2)
    handle = model.register_forward_pre_hook(lambda *_: graphs.append(torch.is_grad_enabled()))
    maps = []
    for _ in range(times):
        graphs.clear()
        maps.append(mask.GetMasks(X, should_resize=False))
    handle.remove()
    return maps, graphs


class Probabilities(ViT):
    def forward(self, x):
        gate = x.mean((2, 3)).softmax(1).max(1)[0]  # a softmax that is no attention
        return (super().forward(x) * (1 + 0 * gate[:, None])).softmax(1)


MODELS = {one.__name__: (lambda one=one: ViT(one)) for one in SPELLINGS} | {"other softmaxes": lambda: Probabilities(fused)}


@pytest.mark.parametrize("name", MODELS)
def test_later_passes_need_no_graph(name):
    maps, graphs = passes(MODELS[name]())
    assert graphs == [False]
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], rtol=1e-6)
    relevance = saliency.AttentionRelevance(MODELS[name](), 2).GetMasks(X, should_resize=False)
    assert np.abs(relevance - maps[0]).max() > 1e-3


def other_without_graph(q, k, v):
    return fused(q, k, v) if torch.is_grad_enabled() else explicit(q, k, v)


def overwritten(q, k, v):
    weights = (q @ k.mT / 2).softmax(-1)
    result = weights @ v
    if not torch.is_grad_enabled():
        weights.zero_()
    return result


@pytest.mark.parametrize("attention", [other_without_graph, overwritten])
def test_a_pass_with_other_calls_or_overwritten_weights_is_repeated_with_a_graph(attention):
    maps, graphs = passes(ViT(attention))
    assert graphs == [True] and maps[0].any()
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], rtol=1e-6)


def test_a_model_that_is_changed_is_read_anew():
    model = ViT(fused)
    passes(model)
    model.blocks = nn.Sequential(model.blocks[0])
    expected = saliency.AttentionRollout(deepcopy(model), 2)
    (*_, found), graphs = passes(model)
    assert graphs == [False]
    np.testing.assert_allclose(found, expected.GetMasks(X, should_resize=False), rtol=1e-6)


def test_a_score_without_gradients_does_not_decide_which_tokens_later_scores_read():
    expected, model = saliency.AttentionRollout(ViT(fused), 2).GetMasks(X), ViT(fused)
    with pytest.warns(saliency.ZeroGradientWarning):
        saliency.AttentionRollout(model, saliency.Difference(1, 1)).GetMasks(X)
    np.testing.assert_allclose(saliency.AttentionRollout(model, 2).GetMasks(X), expected, rtol=1e-6)


class TokenPerClass(nn.Module):
    """Each class reads a class token of its own."""

    def __init__(self):
        super().__init__()
        self.net = ViT(extra=3, read="all")
        self.net.head = nn.Identity()

    def forward(self, x):
        kept = []
        with self.net.blocks.register_forward_hook(lambda _m, _i, out: kept.append(out)):
            self.net(x)
        return kept[0][:, :3].sum(2)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
@pytest.mark.parametrize("together", [False, True])
def test_classes_with_tokens_of_their_own_are_read_there_whatever_was_computed_before(order, together):
    model, found = TokenPerClass().eval(), {}
    for y in order * 3:
        maps = saliency.AttentionRollout(model).GetMasks(X[[0, 0, 0]], y=[y, *order[1:]], should_resize=False)
        found[y] = maps[0] if together else saliency.AttentionRollout(model, y).GetMask(X[0], should_resize=False)
    for y in order:
        alone = saliency.AttentionRollout(TokenPerClass().eval(), y).GetMask(X[0], should_resize=False)
        np.testing.assert_allclose(found[y], alone, rtol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3 * np.abs(found[0]).max()
