"""Compute masks from a layer's output, with a layer for each target where none is named."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from saliency.core.score import Score
from saliency.core.types import Array

LayerEvaluation: TypeAlias = Callable[[Score, Array], tuple[Array, ...]]
"""Returns a layer's output, d score / d output, and further arrays, for a score and its inputs."""


def masks_at_layer(score: Score, x: Array, evaluate: LayerEvaluation, combine: Callable[..., Array]) -> Array:
    """Compute masks from a layer's output. If no layer is named, each sample has the layer that its own score depends on.

    The last layer before the scores of several samples may have no influence on some of them, because their targets lie in
    another branch of the network. All samples are then evaluated one at a time.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        evaluate: evaluates the layer.
        combine: returns the masks (N, *mask) for a score, its inputs and these arrays.
    """
    if score.request.layer is not None:
        arrays = evaluate(score, x)
        record_layer(score, x, arrays[0])
        return combine(score, x, *arrays)
    if score.n > score.plan.size:  # passes of several batches could find different layers
        return score.one_by_one(lambda one, x_one: masks_at_layer(one, x_one, evaluate, combine), x)
    arrays = evaluate(score, x)
    if score.n > 1 and _influences_some_only(score, arrays[1]):
        return score.one_by_one(lambda one, x_one: masks_at_layer(one, x_one, evaluate, combine), x)
    masks = combine(score, x, *arrays)
    record_layer(score, x, arrays[0])
    return masks


def record_layer(score: Score, x: Array, features: Array) -> None:
    """Record the layer's grid, how many of its tokens are not in it, and the layer's name if none was given."""
    request = score.request
    score.record(grid=np.array([[*map(int, features.shape[2:])]] * score.n, np.int64))
    left_out = score.adapter.tokens_left_out(x, request)
    if left_out is not None:
        score.record(tokens_left_out=np.full(score.n, left_out))
    name = score.adapter.default_layer_name(x, request) if request.layer is None else None
    if name is not None:
        score.record(layer=np.full(score.n, name))


def _influences_some_only(score: Score, gradients: Array) -> bool:
    """Return whether some of the samples' gradients (N, channels, *space) are zero everywhere, and others are not."""
    xp, axes = score.adapter.xp, tuple(range(1, len(gradients.shape)))
    largest = xp.concatenate([xp.amax(gradients, axis=axes)[None], xp.amax(-gradients, axis=axes)[None]])
    nonzero = (score.adapter.numpy(largest) != 0).any(axis=0)
    return bool(nonzero.any() and not nonzero.all())
