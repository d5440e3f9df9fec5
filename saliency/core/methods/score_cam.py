"""Score-CAM: channels weighted by the score of the input masked with each of them."""

import math
from typing import final

from saliency.core.methods.class_activation_map import ClassActivationMap, MapInputs, repeat_per_channel, resize_to_input
from saliency.core.numerics.resampling import transpose_matrix
from saliency.core.points import values_of_points
from saliency.core.score import Score
from saliency.core.types import Array


@final
class ScoreCAM(ClassActivationMap):
    """Weight a layer's channels by the scores of the input masked with each of them.

    Each channel is resized to the input's size, scaled to 0..1, and multiplied with the input. The weights are the softmax,
    over channels, of the scores of these products. A layer with K channels needs K evaluations. The weights use no gradient;
    one gradient is computed to find the layer. The raw map is in units of the layer's output.

    Source:
        Wang et al., Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks, arXiv:1910.01279.
    """

    differentiates = False

    def weights(self, inputs: MapInputs) -> Array:
        """Return softmax_k(score(x * channel k))."""
        score, x, features = inputs.score, inputs.x, inputs.features
        xp, scores = score.adapter.xp, []
        score.plan.progress.announce(score.n)  # the pass that computed the features
        for chunk in score.batches(features.shape[1]):
            channels = xp.concatenate([features[:, k] for k in chunk])  # (channels * N, *space)
            channels = _scale_to_unit(score, channels)  # before resizing, so that rounding cannot change a constant channel
            channels = _scale_to_unit(score, resize_to_input(score, channels, x))
            channels = repeat_per_channel(xp, score.adapter.channel_axis, channels, x)
            points = xp.reshape(channels, (len(chunk), *x.shape)) * x  # (channels, N, *input)
            scores.append(values_of_points(score, points))
        logits = xp.concatenate(scores)  # (channels, N)
        powers = math.e ** (logits - xp.amax(logits, axis=0, keepdims=True))
        softmax = transpose_matrix(xp, powers / xp.sum(powers, axis=0, keepdims=True))  # (N, channels)
        return xp.reshape(softmax, (*softmax.shape, *[1] * (len(features.shape) - 2)))


def _scale_to_unit(score: Score, maps: Array) -> Array:
    """Scale maps (N, *space) to 0..1; a constant map becomes 0."""
    xp, axes = score.adapter.xp, tuple(range(1, len(maps.shape)))
    low, high = -xp.amax(-maps, axis=axes, keepdims=True), xp.amax(maps, axis=axes, keepdims=True)
    return (maps - low) / xp.where(high > low, high - low, 1.0)
