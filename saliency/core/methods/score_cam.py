"""Score-CAM: channels weighted by the score of what they show."""

import math
from typing import final

from saliency.core.methods.class_activation_map import ClassActivationMap, MapInputs, repeat_per_channel, resize_to_input
from saliency.core.numerics.resampling import transpose_matrix
from saliency.core.score import Score
from saliency.core.types import Array


@final
class ScoreCAM(ClassActivationMap):
    """Channels weighted by the softmax, over channels, of the score of the input seen through them.

    Each channel is resized to the input, scaled to 0..1 and multiplied with it: K evaluations for a layer of K channels. The
    weights take no gradient; one is taken to find the layer. The raw map is in units of the layer's output.

    Source:
        Wang et al., Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks, arXiv:1910.01279.
    """

    differentiates = False

    def weights(self, seen: MapInputs) -> Array:
        """Return softmax_k(score(x * channel k))."""
        score, x, features = seen.score, seen.x, seen.features
        xp, scores = score.adapter.xp, []
        score.plan.progress.announce(score.n)  # what gave the features
        for run in score.batches(features.shape[1]):
            shown = xp.concatenate([features[:, k] for k in run])  # (channels * N, *space)
            shown = _scale_to_unit(
                score, resize_to_input(score, _scale_to_unit(score, shown), x)
            )  # a constant one is 0 before it is rounded
            shown = repeat_per_channel(xp, score.adapter.channel_axis, shown, x)
            points = xp.reshape(shown, (len(run), *x.shape)) * x  # (channels, N, *input)
            values = score.repeat(len(run)).values(xp.reshape(points, (-1, *x.shape[1:])))
            scores.append(xp.reshape(values, (len(run), score.n)))
        high = xp.concatenate(scores)  # (channels, N)
        powers = math.e ** (high - xp.amax(high, axis=0, keepdims=True))
        powers = powers / xp.sum(powers, axis=0, keepdims=True)
        each = transpose_matrix(xp, powers)  # (N, channels)
        return xp.reshape(each, (*each.shape, *[1] * (len(features.shape) - 2)))


def _scale_to_unit(score: Score, maps: Array) -> Array:
    """Scale maps (N, *space) to 0..1; a constant one becomes 0."""
    xp, axes = score.adapter.xp, tuple(range(1, len(maps.shape)))
    low, high = -xp.amax(-maps, axis=axes, keepdims=True), xp.amax(maps, axis=axes, keepdims=True)
    return (maps - low) / xp.where(high > low, high - low, 1.0)
