"""Attention rollout: the product of the attention of all layers."""

from functools import partial
from typing import Any, Literal, TypeAlias, final

from saliency.core.attention import AttentionLayers, starting_relevance
from saliency.core.errors import InputError
from saliency.core.methods.attention_map import AttentionMap, MapOptions, attention_maps
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid
from saliency.core.validation import real_number, shown

HeadFusion: TypeAlias = Literal["mean", "max", "min"]
FUSIONS = ("mean", "max", "min")

BISECTIONS = 48
"""Steps that find the weight below which weights are discarded, to 2**-48 of the largest."""


@final
class AttentionRollout(AttentionMap):
    """Multiply the attention of all layers: how much of each token reaches the tokens that the score reads.

    The weights of a layer's heads are fused to one matrix. The identity is added for the residual connection, and each row is
    divided by its sum. The map is the row of the product of all layers for the token that the score reads, such as the class
    token, or the mean of the rows of all tokens that it reads. It is the same for every class, because it contains no
    gradients. Its entries are shares of 1.

    Options:
        head_fusion: how to fuse the heads: ``"mean"``, ``"max"`` or ``"min"``.
        discard_ratio: the share of a layer's fused weights, from 0 to less than 1, that is set to 0, the lowest first.
        should_resize, three_dims, grid, tokens: as for ``AttentionRelevance``.

    Source:
        Abnar & Zuidema, Quantifying Attention Flow in Transformers, arXiv:2005.00928.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        head_fusion: HeadFusion = "mean",
        discard_ratio: float = 0.0,
        should_resize: bool = True,
        three_dims: bool = False,
        grid: Any = None,
        tokens: Any = None,
    ) -> Array:
        """Return the rollout of the grid's tokens."""
        if not isinstance(head_fusion, str) or head_fusion not in FUSIONS:
            raise InputError(f"`head_fusion` (={shown(head_fusion)}) must be one of {', '.join(map(repr, FUSIONS))}")
        ratio = real_number("discard_ratio", discard_ratio, least=0.0)
        if ratio >= 1:
            raise InputError(f"`discard_ratio` (={shown(discard_ratio)}) must be less than 1: at least some weights remain")
        if score.modifier is not None:
            raise InputError("`modifier` modifies gradients, but AttentionRollout uses none; use AttentionRelevance")
        options = MapOptions(should_resize, three_dims, UserGrid.of(grid, tokens, None), gradients="none")
        combine = partial(attention_rollout, head_fusion=head_fusion, discard_ratio=ratio)
        return attention_maps(score, x, combine, options)


def attention_rollout(xp: Any, layers: AttentionLayers, head_fusion: HeadFusion, discard_ratio: float) -> Array:
    """Return the rows that the scores read of the product, multiplied from the last layer to the first."""
    n = layers.weights[0].shape[0]
    rows = xp.reshape(starting_relevance(xp, layers), (n, -1, layers.grid.total))  # (N, T, tokens)
    for weights in reversed(layers.weights):
        fused = _without_lowest(xp, _fuse(xp, weights, head_fusion), discard_ratio)
        rows = rows / (1.0 + xp.sum(fused, axis=2))[:, None]
        rows = rows + rows @ fused
    return xp.reshape(rows, (-1, layers.grid.total))


def _fuse(xp: Any, weights: Array, head_fusion: HeadFusion) -> Array:
    if head_fusion == "mean":
        return xp.mean(weights, axis=1)
    return xp.amax(weights, axis=1) if head_fusion == "max" else -xp.amax(-weights, axis=1)


def _without_lowest(xp: Any, fused: Array, ratio: float) -> Array:
    """Set the lowest share of each sample's weights (N, tokens, tokens) to 0; bisection finds the lowest that remains."""
    count = int(ratio * fused.shape[1] * fused.shape[2])
    if count == 0:
        return fused
    ones = xp.ones_like(fused)
    high = xp.amax(fused, axis=(1, 2), keepdims=True)
    low = high - high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        has_more = xp.sum(xp.where(fused < middle, ones, ones - ones), axis=(1, 2), keepdims=True) > count
        low, high = xp.where(has_more, low, middle), xp.where(has_more, middle, high)
    return xp.where(fused < low, ones - ones, fused)
