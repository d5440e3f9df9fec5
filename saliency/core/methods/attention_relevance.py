"""Attention relevance: attention weighted by its gradient, from layer to layer."""

from typing import Any, final

from saliency.core.attention import AttentionLayers, starting_relevance, weights_times_gradients
from saliency.core.methods.attention_map import AttentionMap, MapOptions, attention_maps
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid


@final
class AttentionRelevance(AttentionMap):
    """Propagate relevance through the attention of all layers, weighted by its gradient.

    From the first layer to the last, ``R <- R + E[max(0, A * dA)] R``, where E is the mean over the heads, A are the attention
    weights, dA is the gradient of the score with respect to them, and R starts as the identity. The map is the row of R of the
    token that the score reads, such as the class token, or the mean of the rows of all tokens that it reads. The identity is
    left out of the map, because it adds the same constant to every token that is read.

    The mask has the input's spatial axes, or those of the grid of tokens with ``should_resize=False``. Its ``details`` hold
    the ``grid`` of tokens, the number of ``tokens_left_out`` of it, such as class tokens, and ``tokens_read``: the number of
    tokens from which the score reads the result of the last attention. This is 1 for a class token, and the number of all
    tokens if the model averages them. The gradients show which tokens the score reads.

    Options:
        should_resize: scale the map to a maximum of 1 and resize it linearly to the input's size. If False, return the raw
            map on the grid of tokens, in the units of the method's formula.
        three_dims: repeat the map for each channel of the input.
        grid: lengths of the grid that the tokens form on the input's spatial axes, (rows, columns). None takes it from the
            model: the layer that cuts the input into patches defines it.
        tokens: the tokens that form ``grid``: a slice, or the number of other tokens in front of them, such as a class token.

    Source:
        Chefer et al., Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers,
        arXiv:2103.15679.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        should_resize: bool = True,
        three_dims: bool = False,
        grid: Any = None,
        tokens: Any = None,
    ) -> Array:
        """Return the relevance of the grid's tokens."""
        options = MapOptions(should_resize, three_dims, UserGrid.of(grid, tokens, None))
        return attention_maps(score, x, attention_relevance, options)


def attention_relevance(xp: Any, layers: AttentionLayers) -> Array:
    """Return the rows of R - 1 that the scores read (N * T, tokens), multiplied from the last layer to the first."""
    start = starting_relevance(xp, layers)
    rows = start
    for weights, gradients in zip(reversed(layers.weights), reversed(layers.gradients), strict=True):
        products = xp.clip(weights_times_gradients(xp, weights, gradients), 0.0, None)
        rows = rows + (rows[:, None] @ xp.mean(products, axis=1))[:, 0]
    return rows - start
