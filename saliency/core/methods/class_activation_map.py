"""What the class activation maps share: a layer's output, and what its scores' gradients say about it."""

import inspect
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from saliency.core.mask import SaliencyMask
from saliency.core.numerics.resampling import apply_matrices, resize_maps, resize_matrices, spatial_axes
from saliency.core.score import Score
from saliency.core.types import Array

SMALLEST_DIVISOR = 1e-37
"""What a map's maximum counts as at least: one of zeros alone is divided by this."""


@dataclass(frozen=True)
class MapInputs:
    """What a map is made from.

    Args:
        score: of the N samples.
        x: (N, *input).
        features: the layer's output, (N, channels, *space).
        gradients: d score / d features, the same shape.
    """

    score: Score
    x: Array
    features: Array
    gradients: Array


class LayerMask(SaliencyMask):
    """A mask that looks into a layer.

    Args:
        model, y, **settings: see ``SaliencyMask``.
        layer: its name, or the layer itself; None finds the last one before the score that has the input's spatial axes.
    """

    def __init__(self, model: Any, y: Any = None, layer: Any = None, **settings: Any) -> None:
        super().__init__(model, y, layer=layer, **settings)


class ClassActivationMap(LayerMask):
    """The positive part of a weighted sum of a layer's channels.

    The mask has the shape of the input's, or the layer's, spatial axes. Where no layer is named, its ``details`` hold the
    name of the one that was found, as ``layer``.

    Options:
        layer: its name, or the layer itself; None finds the last one before the score that has the input's spatial axes.
        should_resize: scale the map to a maximum of 1 and resize it to the input's size, linearly; otherwise it is the raw
            map at the layer's size, in units that the method's formula gives it.
        three_dims: repeat the map for each channel of the input.
        rule, allow_no_relu: how the gradients pass the ReLUs behind the layer, as in ``Vanilla``.
    """

    def __init_subclass__(cls) -> None:
        """Put the shape and the options, which are told here, into a method's docstring, before its source."""
        super().__init_subclass__()
        if cls.__doc__ and ClassActivationMap.__doc__ and "Options:" not in cls.__doc__:  # python -OO keeps none
            own, source, where = inspect.cleandoc(cls.__doc__).partition("\n\nSource:")
            shared = inspect.cleandoc(ClassActivationMap.__doc__).partition("\n\n")[2]
            cls.__doc__ = f"{own}\n\n{shared}{source}{where}\n"

    empty: ClassVar[str] = (
        "nothing speaks for the score, for the layer's channels, as they are weighted, sum to nothing above 0 at any place; "
        "HiResCAM and LayerCAM weight each place by itself, and another `layer` may tell more"
    )
    """What it means if a map is zero everywhere."""

    @abstractmethod
    def weights(self, seen: MapInputs) -> Array:
        """Return what the layer's channels are weighted by, (N, channels, *space) or 1 for axes of space.

        The map is the positive part of the sum over the channels.
        """

    def masks(
        self,
        score: Score,
        x: Array,
        layer: Any = None,
        should_resize: bool = True,
        three_dims: bool = False,
        rule: Any = None,
        allow_no_relu: bool = False,
    ) -> Array:
        """Return max(0, sum over channels of the weighted features)."""
        score = score.using(layer=layer, rule=rule, allow_no_relu=allow_no_relu)
        seen = MapInputs(score, x, *score.features(x))
        maps = class_activation_map(score, x, self.weights(seen), seen.features, should_resize, should_resize)
        if layer is None:
            record_layer(score, x)
        return repeat_per_channel(score.adapter.xp, score.adapter.channel_axis, maps, x) if three_dims else maps


def record_layer(score: Score, x: Array) -> None:
    """Note which layer was taken, for none was named."""
    found = score.adapter.default_layer_name(x, score.request)
    if found is not None:
        score.record(layer=np.full(score.n, found))


def class_activation_map(
    score: Score, x: Array, weights: Array, features: Array, scaled: bool = False, resize: bool = True
) -> Array:
    """Return the positive part of the weighted sum over channels.

    Args:
        score: of the N samples.
        x: (N, *input).
        weights: of the channels, which broadcast to these.
        features: the channels, (N, channels, *space).
        scaled: to a maximum of 1.
        resize: to the input's spatial axes.
    """
    axes, matrices = resize_matrices(score.adapter, features.shape[2:], spatial_size(score, x)) if resize else ((), [])
    return score.adapter.call_fused(weighted_map, (scaled, axes), weights, features, *matrices)


def weighted_map(xp: Any, how: tuple[bool, tuple[int, ...]], weights: Array, features: Array, *matrices: Array) -> Array:
    """Return what ``class_activation_map`` does, from ``scaled`` and the axes that are resized by matrices."""
    scaled, axes = how
    maps = xp.clip(xp.sum(weights * features, axis=1), 0.0, None)
    if scaled:
        maps = maps / xp.clip(xp.amax(maps, axis=tuple(range(1, len(maps.shape))), keepdims=True), SMALLEST_DIVISOR, None)
    return apply_matrices(xp, maps, axes, matrices)


def resize_to_input(score: Score, maps: Array, x: Array) -> Array:
    """Resize maps (N, *space) to the spatial axes of ``x`` (N, *input)."""
    return resize_maps(score.adapter, maps, spatial_size(score, x))


def spatial_size(score: Score, x: Array) -> tuple[int, ...]:
    """Return the lengths of the spatial axes of ``x`` (N, *input)."""
    return tuple(int(x.shape[axis]) for axis in spatial_axes(score.adapter.channel_axis, len(x.shape)))


def repeat_per_channel(xp: Any, axis: int | None, maps: Array, x: Array) -> Array:
    """Repeat maps (N, *space) for every channel of ``x`` (N, *input), on the axis that it has its channels on, if any."""
    if axis is None or len(x.shape) == 2:
        return maps
    axis = axis % (len(x.shape) - 1) + 1
    one = xp.reshape(maps, (*maps.shape[:axis], 1, *maps.shape[axis:]))
    return xp.concatenate([one] * int(x.shape[axis]), axis=axis)
