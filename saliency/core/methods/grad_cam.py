"""Class activation maps by gradients: one formula each, over the same features A and gradients G of a layer."""

from typing import Any, final

from saliency.core.methods.class_activation_map import (
    ClassActivationMap,
    LayerMask,
    MapInputs,
    record_layer,
    repeat_per_channel,
    spatial_size,
    weighted_map,
)
from saliency.core.numerics.resampling import resize_matrices
from saliency.core.score import Score
from saliency.core.types import Array

EPSILON = 1e-7
"""Keeps XGradCAM's quotient finite where a channel sums to zero, in units of the layer's output."""


@final
class GradCAM(ClassActivationMap):
    """Channels weighted by the mean of their gradient: ``max(0, sum_k mean(G_k) A_k)``.

    The raw map is in score units per position.

    Source:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, arXiv:1610.02391.
    """

    def weights(self, seen: MapInputs) -> Array:
        """Return mean(G_k)."""
        return _spatial_mean(seen.score.adapter.xp, seen.gradients)


@final
class GradCAMPlusPlus(ClassActivationMap):
    """Positive gradients, each weighted by ``1 / (2 + G sum(A_k))``: several objects of a class count alike.

    This is the paper's weight for a score's exponential, ``G^2 / (2 G^2 + sum(A_k) G^3)``, divided by G^2. It is made for
    a layer that gives no negative numbers, such as a ReLU: elsewhere the quotient may turn large, or its sign.

    Source:
        Chattopadhyay et al., Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, arXiv:1710.11063.
    """

    def weights(self, seen: MapInputs) -> Array:
        """Return sum(max(0, G_k) / (2 + G_k sum(A_k)))."""
        xp = seen.score.adapter.xp
        rising = xp.clip(seen.gradients, 0.0, None)
        share = rising / xp.where(rising > 0, 2 + rising * _spatial_sum(xp, seen.features), 1.0)
        return _spatial_sum(xp, share)


@final
class LayerCAM(ClassActivationMap):
    """Every position weighted by its own positive gradient: ``max(0, sum_k max(0, G_k) A_k)``; for early layers as well.

    Source:
        Jiang et al., LayerCAM: Exploring Hierarchical Class Activation Maps for Localization, IEEE TIP 30, 2021.
    """

    def weights(self, seen: MapInputs) -> Array:
        """Return max(0, G_k)."""
        return seen.score.adapter.xp.clip(seen.gradients, 0.0, None)


@final
class HiResCAM(ClassActivationMap):
    """Every position weighted by its own gradient: ``max(0, sum_k G_k A_k)``.

    Source:
        Draelos & Carin, Use HiResCAM instead of Grad-CAM for faithful explanations, arXiv:2011.08891.
    """

    def weights(self, seen: MapInputs) -> Array:
        """Return G_k."""
        return seen.gradients


@final
class XGradCAM(ClassActivationMap):
    """Channels weighted by the mean of their gradient, each position counting by its activation.

    ``max(0, sum_k sum(G_k A_k) / sum(A_k) A_k)``. It is made for a layer that gives no negative numbers, such as a ReLU:
    elsewhere a channel may sum to nearly nothing.

    Source:
        Fu et al., Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs, arXiv:2008.02312.
    """

    def weights(self, seen: MapInputs) -> Array:
        """Return sum(G_k A_k) / sum(A_k)."""
        xp = seen.score.adapter.xp
        return _spatial_sum(xp, seen.gradients * seen.features) / (_spatial_sum(xp, seen.features) + EPSILON)


@final
class GuidedGradCAM(LayerMask):
    """Guided backpropagation times Grad-CAM: the fine detail of the one where the other finds the class.

    The mask has the input's shape.

    Options:
        layer: as for ``GradCAM``.
        allow_no_relu: as for ``GuidedBackprop``.

    Source:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, arXiv:1610.02391.
    """

    def masks(self, score: Score, x: Array, layer: object = None, allow_no_relu: bool = False) -> Array:
        """Return the guided gradient times the map, resized to the input's size."""
        score = score.using(layer=layer, rule="guided", allow_no_relu=allow_no_relu)
        features, gradients, guided = score.features_and_gradients(x)
        if layer is None:
            record_layer(score, x)
        axes, matrices = resize_matrices(score.adapter, features.shape[2:], spatial_size(score, x))
        how = axes, score.adapter.channel_axis
        return score.adapter.call_fused(_guided_map, how, guided, gradients, features, *matrices)


def _guided_map(
    xp: Any, how: tuple[tuple[int, ...], int | None], guided: Array, gradients: Array, features: Array, *matrices: Array
) -> Array:
    axes, channel_axis = how
    maps = weighted_map(xp, (False, axes), _spatial_mean(xp, gradients), features, *matrices)
    return guided * repeat_per_channel(xp, channel_axis, maps, guided)


def _spatial_sum(xp: Any, values: Array) -> Array:
    """Sum over the spatial axes of (N, channels, *space), which stay with length 1."""
    return xp.sum(values, axis=tuple(range(2, len(values.shape))), keepdims=True)


def _spatial_mean(xp: Any, values: Array) -> Array:
    return xp.mean(values, axis=tuple(range(2, len(values.shape))), keepdims=True)
