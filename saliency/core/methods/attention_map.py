"""The base class of maps that combine the attention of all layers of a transformer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from saliency.core.attention import AttentionLayers, Gradients, TokenGrid
from saliency.core.mask import SaliencyMask
from saliency.core.methods.class_activation_map import repeat_per_channel, scaled_and_resized
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid

Combination: TypeAlias = Callable[[Any, AttentionLayers], Array]
"""Returns the relevance of each token for each score, (N * T, tokens), 0 or more, from a namespace and the layers."""


class AttentionMap(SaliencyMask):
    """A mask that shows the relevance of each token, from the attention of all layers."""

    empty: ClassVar[str] = (
        "no token has a positive relevance, or the score does not depend on the attention, such as behind a head of zeros. "
        "Check the score's gradient with Vanilla"
    )


@dataclass(frozen=True)
class MapOptions:
    """The options that all maps of attention share; see ``AttentionRelevance``.

    Args:
        should_resize, three_dims: how the map is returned.
        place: the grid of tokens that the user states, None to find it in the model.
        gradients: see ``GradientAdapter.attentions``.
    """

    should_resize: bool
    three_dims: bool
    place: UserGrid | None
    gradients: Gradients = "score"


def attention_maps(score: Score, x: Array, combine: Combination, options: MapOptions) -> Array:
    """Return the maps of the tokens' relevance, and record the grid.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        combine: returns the relevance of the tokens.
        options: how to return it.
    """
    if options.place is not None and score.n > 1:  # only the positions tell the samples of a batch apart
        return score.one_by_one(lambda one, x_one: attention_maps(one, x_one, combine, options), x)
    xp, grids = score.adapter.xp, list[TokenGrid]()

    def relevance_on_grid(layers: AttentionLayers) -> Array:
        grids.append(layers.grid)
        relevance = combine(xp, layers)
        places = np.arange(relevance.shape[0])[:, None] * layers.grid.total + np.array(layers.grid.order)
        on_grid = xp.take(xp.reshape(relevance, (-1,)), score.adapter.asfeed(places, "tokens"))
        return xp.concatenate([on_grid, xp.sum(layers.readout, axis=1, keepdims=True)], axis=1)

    found = score.using(grid=options.place).attentions(x, relevance_on_grid, options.gradients)
    grid = grids[-1]
    left_out = np.full(score.n, grid.total - len(grid.order))
    score.record(
        grid=np.tile(np.array(grid.space, np.int64), (score.n, 1)), tokens_left_out=left_out, tokens_read=found[:, -1]
    )
    maps = xp.reshape(found[:, :-1], (score.n, *grid.space))
    maps = scaled_and_resized(score, x, maps) if options.should_resize else maps
    return repeat_per_channel(xp, score.adapter.channel_axis, maps, x) if options.three_dims else maps
