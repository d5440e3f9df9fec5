"""The base classes of class activation maps: weighted sums of a layer's channels."""

import inspect
import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from saliency.core.channel_axis import input_axes
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import OF_MAXIMUM
from saliency.core.methods.fused_maps import Fusion, fused_maps, layers_to_fuse
from saliency.core.methods.masks_at_layer import masks_at_layer
from saliency.core.numerics.resampling import apply_matrices, resize_maps, resize_matrices
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.user_grid import UserGrid

SMALLEST_DIVISOR = 1e-37
"""The smallest maximum that a map is divided by, so that a map of zeros stays finite."""


@dataclass(frozen=True)
class MapInputs:
    """What the weights of a class activation map are computed from.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        features: the layer's output, (N, channels, *space).
        gradients: d score / d features, of the same shape.
    """

    score: Score
    x: Array
    features: Array
    gradients: Array


class LayerMask(SaliencyMask):
    """A mask that uses a layer's output.

    Args:
        model, y, **settings: see ``SaliencyMask``.
        layer: name of the layer, or the layer itself; None finds the last layer before the score that has the input's spatial
            axes. A list of layers fuses their maps.
    """

    def __init__(self, model: Any, y: Any = None, layer: Any = None, **settings: Any) -> None:
        super().__init__(model, y, layer=layer, **settings)


class ClassActivationMap(LayerMask):
    """Compute the positive part of a weighted sum of a layer's channels.

    The mask has the input's spatial axes, or the layer's with ``should_resize=False``. Its ``details`` hold the layer's
    ``grid`` on these axes, and for a layer with tokens, the number of those outside the grid as ``tokens_left_out``. If no
    layer is named, they hold the name of the layer that was found, as ``layer``. If several are fused, they hold their names
    as ``layers`` and their grids as ``grids``.

    Options:
        layer: name of the layer, or the layer itself; None finds the last layer before the score that has the input's spatial
            axes. A path behind the name, such as ``"backbone/0"``, names an entry of the output of a layer that returns a
            dictionary, a dataclass, a tuple or a list. A list of layers fuses their maps: each is scaled to a maximum of 1,
            because layers differ in their units, and resized linearly to the finest of their grids.
        should_resize: scale the map to a maximum of 1 and resize it linearly to the input's size. If False, return the raw
            map at the layer's size, in the units of the method's formula.
        three_dims: repeat the map for each channel of the input.
        rule, allow_no_relu: how the gradients pass the ReLUs after the layer, as for ``Vanilla``.
        grid: lengths of the grid that the layer's tokens form on the input's spatial axes, (rows, columns). None takes it from
            the model: the layer that cuts the input into patches defines it, and only tokens that descend from these patches
            are read as positions.
        tokens: the tokens that form ``grid``: a slice, or the number of other tokens in front of them, such as a class token.
        reshape: a function from the layer's output, an array of the framework, to (N, channels, *space), instead of ``grid``.
            It is also applied to the gradients with respect to this output.
        fuse: how to fuse the maps of several layers at each position: ``"max"`` as in LayerCAM, but without its tanh for
            early layers, ``"mean"`` as in pytorch-grad-cam, or ``"product"``.
    """

    def __init_subclass__(cls) -> None:
        """Insert the description of the shape and the options into the docstring of a method, before its source."""
        super().__init_subclass__()
        if cls.__doc__ and ClassActivationMap.__doc__ and "Options:" not in cls.__doc__:  # python -OO removes docstrings
            description, source, reference = inspect.cleandoc(cls.__doc__).partition("\n\nSource:")
            shared = inspect.cleandoc(ClassActivationMap.__doc__).partition("\n\n")[2]
            cls.__doc__ = f"{description}\n\n{shared}{source}{reference}\n"

    unit = OF_MAXIMUM

    empty: ClassVar[str] = (
        "the weighted sum of the layer's channels is not positive at any position, or the score does not depend on the "
        "layer, such as behind a head of zeros. Check the score's gradient with Vanilla. If it is not zero, try HiResCAM or "
        "LayerCAM, which weight each position separately, or another `layer`"
    )
    """What a map that is zero everywhere means; the text of the ``ZeroGradientWarning``."""

    @abstractmethod
    def weights(self, inputs: MapInputs) -> Array:
        """Return the weights of the layer's channels, (N, channels, *space), or with length 1 on the axes of space.

        The map is the positive part of the weighted sum over channels.
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
        grid: Any = None,
        tokens: Any = None,
        reshape: Any = None,
        fuse: Fusion = "max",
    ) -> Array:
        """Return max(0, sum over channels of the weighted features)."""
        layers = layers_to_fuse(layer, fuse)
        scaled, resized = should_resize or layers is not None, should_resize and layers is None

        def combine(score: Score, x: Array, features: Array, gradients: Array) -> Array:
            weights = self.weights(MapInputs(score, x, features, gradients))
            return class_activation_map(score, x, weights, features, scaled, resized)

        score = score.using(rule=rule, allow_no_relu=allow_no_relu, grid=UserGrid.of(grid, tokens, reshape))
        if layers is None:
            maps = masks_at_layer(score.using(layer=layer), x, Score.features, combine)
        else:
            maps = fused_maps(score, x, layers, fuse, Score.features, combine)
            maps = scaled_and_resized(score, x, maps) if should_resize else maps
        return repeat_per_channel(score.adapter.xp, score.adapter.channel_axis, maps, x) if three_dims else maps


def class_activation_map(
    score: Score, x: Array, weights: Array, features: Array, scaled: bool = False, resize: bool = True
) -> Array:
    """Return the positive part of the weighted sum over channels.

    Args:
        score: the score of the N samples.
        x: (N, *input).
        weights: weights of the channels, which broadcast to ``features``.
        features: the channels, (N, channels, *space).
        scaled: scale the maps to a maximum of 1.
        resize: resize the maps to the input's spatial axes.
    """
    size = spatial_size(score, x)
    axes, matrices = resize_matrices(score.adapter, features, features.shape[2:], size) if resize else ((), [])
    return score.adapter.call_fused(weighted_map, (scaled, axes), weights, features, *matrices)


def scaled_and_resized(score: Score, x: Array, maps: Array) -> Array:
    """Scale maps (N, *space) without negative values to a maximum of 1, and resize them to the input's spatial axes."""
    features = maps[:, None]
    return class_activation_map(score, x, score.adapter.xp.ones_like(features), features, scaled=True)


def weighted_map(xp: Any, static: tuple[bool, tuple[int, ...]], weights: Array, features: Array, *matrices: Array) -> Array:
    """Compute ``class_activation_map`` for ``call_fused``; ``static`` holds ``scaled`` and the axes to resize."""
    scaled, axes = static
    maps = xp.clip(_weighted_sum(xp, weights, features), 0.0, None)
    if scaled:
        maps = maps / xp.clip(xp.amax(maps, axis=tuple(range(1, len(maps.shape))), keepdims=True), SMALLEST_DIVISOR, None)
    return apply_matrices(xp, maps, axes, matrices)


def _weighted_sum(xp: Any, weights: Array, features: Array) -> Array:
    """Sum over channels; as a product of matrices if a channel has one weight, without an array of products."""
    (n, channels, *space), positions = features.shape, math.prod(features.shape[2:])
    if any(length != 1 for length in weights.shape[2:]):
        return xp.sum(weights * features, axis=1)
    return xp.reshape(xp.reshape(weights, (n, 1, channels)) @ xp.reshape(features, (n, channels, positions)), (n, *space))


def resize_to_input(score: Score, maps: Array, x: Array) -> Array:
    """Resize maps (N, *space) to the spatial axes of ``x`` (N, *input)."""
    return resize_maps(score.adapter, maps, spatial_size(score, x))


def spatial_size(score: Score, x: Array) -> tuple[int, ...]:
    """Return the lengths of the spatial axes of ``x`` (N, *input)."""
    return tuple(int(x.shape[axis]) for axis in input_axes(score.adapter, x))


def repeat_per_channel(xp: Any, channel_axis: int | None, maps: Array, x: Array) -> Array:
    """Repeat maps (N, *space) for every channel of ``x`` (N, *input), on its channel axis; return them as they are if none."""
    if channel_axis is None or len(x.shape) == 2:
        return maps
    axis = channel_axis % (len(x.shape) - 1) + 1
    one_channel = xp.reshape(maps, (*maps.shape[:axis], 1, *maps.shape[axis:]))
    return xp.concatenate([one_channel] * int(x.shape[axis]), axis=axis)
