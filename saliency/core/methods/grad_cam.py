"""Class activation maps from gradients: one formula each, of a layer's features A and gradients G."""

import math
from typing import Any, final

from saliency.core.methods.class_activation_map import (
    ClassActivationMap,
    LayerMask,
    MapInputs,
    class_activation_map,
    repeat_per_channel,
    scaled_and_resized,
    spatial_size,
    weighted_map,
)
from saliency.core.methods.fused_maps import Fusion, fused_maps, layers_to_fuse
from saliency.core.methods.masks_at_layer import masks_at_layer
from saliency.core.numerics.resampling import resize_matrices
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid

EPSILON = 1e-7
"""Keeps XGradCAM's quotient finite if the sum of a channel is zero, in units of the layer's output."""


@final
class GradCAM(ClassActivationMap):
    """Weight each channel by its mean gradient: ``max(0, sum_k mean(G_k) A_k)``.

    The raw map is in score units per position.

    Source:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, arXiv:1610.02391.
    """

    def weights(self, inputs: MapInputs) -> Array:
        """Return mean(G_k)."""
        return inputs.score.adapter.call_fused(_mean_weights, None, inputs.gradients)


@final
class GradCAMPlusPlus(ClassActivationMap):
    """Weight each positive gradient by ``1 / (2 + G sum(A_k))``, so that several objects of a class count equally.

    This is the paper's weight for the exponential of a score, ``G^2 / (2 G^2 + sum(A_k) G^3)``, divided by G^2. The formula
    assumes a layer without negative outputs, such as a ReLU. For other layers, the quotient may become large or negative.

    Source:
        Chattopadhyay et al., Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, arXiv:1710.11063.
    """

    def weights(self, inputs: MapInputs) -> Array:
        """Return sum(max(0, G_k) / (2 + G_k sum(A_k)))."""
        xp = inputs.score.adapter.xp
        positive = xp.clip(inputs.gradients, 0.0, None)
        weights = positive / xp.where(positive > 0, 2 + positive * _spatial_sum(xp, inputs.features), 1.0)
        return _spatial_sum(xp, weights)


@final
class LayerCAM(ClassActivationMap):
    """Weight each position by its positive gradient: ``max(0, sum_k max(0, G_k) A_k)``. Also suited to early layers.

    Source:
        Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, IEEE TIP 30, 2021.
    """

    def weights(self, inputs: MapInputs) -> Array:
        """Return max(0, G_k)."""
        return inputs.score.adapter.xp.clip(inputs.gradients, 0.0, None)


@final
class HiResCAM(ClassActivationMap):
    """Weight each position by its gradient: ``max(0, sum_k G_k A_k)``.

    Source:
        Draelos & Carin, Use HiResCAM instead of Grad-CAM for faithful explanations, arXiv:2011.08891.
    """

    def weights(self, inputs: MapInputs) -> Array:
        """Return G_k."""
        return inputs.gradients


@final
class XGradCAM(ClassActivationMap):
    """Weight each channel by its mean gradient, averaged with the activations as weights.

    ``max(0, sum_k sum(G_k A_k) / sum(A_k) A_k)``. The formula assumes a layer without negative outputs, such as a ReLU. For
    other layers, the sum of a channel may be close to zero.

    Source:
        Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs, arXiv:2008.02312.
    """

    def weights(self, inputs: MapInputs) -> Array:
        """Return sum(G_k A_k) / sum(A_k)."""
        xp = inputs.score.adapter.xp
        return _spatial_sum(xp, inputs.gradients * inputs.features) / (_spatial_sum(xp, inputs.features) + EPSILON)


@final
class GuidedGradCAM(LayerMask):
    """Multiply guided backpropagation by Grad-CAM, for fine detail in the regions of the class.

    The mask has the input's shape.

    Options:
        layer, grid, tokens, reshape, fuse: as for ``GradCAM``.
        allow_no_relu: as for ``GuidedBackprop``.

    Source:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, arXiv:1610.02391.
    """

    def masks(
        self,
        score: Score,
        x: Array,
        layer: object = None,
        allow_no_relu: bool = False,
        grid: object = None,
        tokens: object = None,
        reshape: object = None,
        fuse: Fusion = "max",
    ) -> Array:
        """Return the guided gradient times the map, which is resized to the input's size."""
        place, layers = UserGrid.of(grid, tokens, reshape), layers_to_fuse(layer, fuse)
        score = score.using(grid=place)
        guided_score = score.using(rule="guided", allow_no_relu=allow_no_relu)
        if layers is not None:
            maps = scaled_and_resized(score, x, fused_maps(score, x, layers, fuse, Score.features, _scaled_map))
            return guided_score.gradients(x) * repeat_per_channel(score.adapter.xp, score.adapter.channel_axis, maps, x)

        def combine(score: Score, x: Array, features: Array, gradients: Array, guided: Array) -> Array:
            axes, matrices = resize_matrices(score.adapter, features, features.shape[2:], spatial_size(score, x))
            static = axes, score.adapter.channel_axis
            return score.adapter.call_fused(_guided_map, static, guided, gradients, features, *matrices)

        return masks_at_layer(guided_score.using(layer=layer), x, Score.features_and_gradients, combine)


def _scaled_map(score: Score, x: Array, features: Array, gradients: Array) -> Array:
    """Return the map of Grad-CAM on the layer's grid, scaled to a maximum of 1."""
    weights = score.adapter.call_fused(_mean_weights, None, gradients)
    return class_activation_map(score, x, weights, features, scaled=True, resize=False)


def _guided_map(
    xp: Any, static: tuple[tuple[int, ...], int | None], guided: Array, gradients: Array, features: Array, *matrices: Array
) -> Array:
    axes, channel_axis = static
    maps = weighted_map(xp, (False, axes), _spatial_mean(xp, gradients), features, *matrices)
    return guided * repeat_per_channel(xp, channel_axis, maps, guided)


def _spatial_sum(xp: Any, values: Array) -> Array:
    """Sum over the spatial axes of (N, channels, *space), which keep length 1."""
    return xp.sum(values, axis=tuple(range(2, len(values.shape))), keepdims=True)


def _mean_weights(xp: Any, _static: None, gradients: Array) -> Array:
    """Compute the weights of Grad-CAM for ``call_fused``."""
    return _spatial_mean(xp, gradients)


def _spatial_mean(xp: Any, values: Array) -> Array:
    """Return the same for the mean; that over one axis takes a third of the time of that over two, on a small layer."""
    n, channels, *space = values.shape
    means = xp.mean(xp.reshape(values, (n, channels, math.prod(space))), axis=2)
    return xp.reshape(means, (n, channels, *[1] * len(space)))
