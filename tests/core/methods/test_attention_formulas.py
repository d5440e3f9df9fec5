"""Rollout and relevance of given weights, against their definitions as products of full matrices."""

import numpy as np
import pytest

from saliency.core.attention import AttentionLayers, TokenGrid
from saliency.core.methods.attention_relevance import attention_relevance
from saliency.core.methods.attention_rollout import attention_rollout
from saliency.core.methods.legrad import mean_positive_gradient

N, HEADS, TOKENS, LAYERS, TARGETS = 2, 3, 6, 4, 2


def layers(readout):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(TOKENS), (LAYERS, N, HEADS, TOKENS))
    gradients = rng.normal(size=(LAYERS, N * TARGETS, HEADS, TOKENS, TOKENS))
    rows = np.tile(np.asarray(readout, float), (N * TARGETS, 1))
    return AttentionLayers(np.zeros(N * TARGETS), [*weights], [*gradients], rows, TokenGrid(TOKENS, (1, 2, 3, 4), (2, 2)))


READOUTS = {"class": [1, 0, 0, 0, 0, 0], "two": [1, 0, 0, 0, 0, 1], "mean": [1] * 6, "none": [0] * 6}


@pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
def test_relevance(readout):
    given = layers(readout)
    found = attention_relevance(np, given)
    for i in range(N * TARGETS):
        relevance = np.eye(TOKENS)
        for a, g in zip(given.weights, given.gradients, strict=True):
            relevance += np.maximum(0, a[i // TARGETS] * g[i]).mean(0) @ relevance
        expected = np.asarray(readout) @ (relevance - np.eye(TOKENS)) / max(1, sum(readout))
        np.testing.assert_allclose(found[i], expected, rtol=1e-12)


def test_the_mean_positive_gradient_of_legrad():
    given = layers(READOUTS["class"])
    expected = np.maximum(0, np.array(given.gradients)).mean((0, 2, 3))
    np.testing.assert_allclose(mean_positive_gradient(np, given), expected, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_rollout(fusion, ratio):
    given = layers(READOUTS["two"])
    found = attention_rollout(np, given, fusion, ratio)
    for i in range(N * TARGETS):
        product = np.eye(TOKENS)
        for a in given.weights:
            fused = getattr(np, fusion)(a[i // TARGETS], axis=0)
            lowest = np.argsort(fused, axis=None)[: int(ratio * fused.size)]
            fused.ravel()[lowest] = 0
            mixed = (fused + np.eye(TOKENS)) / 2
            product = mixed / mixed.sum(1, keepdims=True) @ product
        np.testing.assert_allclose(found[i], (product[0] + product[5]) / 2, rtol=1e-9)
        assert abs(found[i].sum() - 1) < 1e-9
