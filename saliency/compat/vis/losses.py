"""keras-vis's losses: numbers computed from a layer's output."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, final

from saliency.core.errors import InputError, TargetError
from saliency.core.types import Array
from saliency.core.validation import as_index, shown

Indices: TypeAlias = tuple[int, ...] | None
"""Filter indices; None for all filters."""


class Loss(ABC):
    """Base class of user-defined losses: the constructor sets ``self.layer``, ``build_loss`` reads ``self.layer.output``.

    During ``build_loss``, ``self.layer.output`` is the layer's output for N inputs, (N, ...), as an array of the framework;
    use Torch or TensorFlow operations on it. Other attributes of ``self.layer`` are those of the layer.
    """

    name: str = "Unnamed Loss"
    layer: Any = None

    @abstractmethod
    def build_loss(self) -> Array:
        """Return one number per input, (N,), or a single number, the mean over the inputs."""


@final
class ActivationMaximization(Loss):
    """Compute minus the sum of filters' activations, each averaged over its positions.

    Args:
        layer: the layer, its name, or its index in ``model.layers``.
        filter_indices: an integer or several; negative indices count from the end. None means the mean over all outputs.
    """

    name = "ActivationMax Loss"

    def __init__(self, layer: Any, filter_indices: Any) -> None:
        self.layer, self.filter_indices = layer, parse_filter_indices(filter_indices)

    def build_loss(self) -> Array:
        """Return the loss of each input, (N,)."""
        return -mean_activation(self.layer.output, self.filter_indices, self.layer.channels, self.layer.xp)


class LayerProxy:
    """A layer with a concrete ``output``; other attributes are those of the layer.

    Args:
        layer: the layer.
        output: its output, (N, ...).
        channels: the channel axis of ``output``.
        xp: the array namespace of ``output``.
    """

    def __init__(self, layer: Any, output: Array, channels: int, xp: Any) -> None:
        self._layer, self.output, self.channels, self.xp = layer, output, channels, xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)


def parse_filter_indices(filter_indices: Any) -> Indices:
    """Return filter indices as a nonempty tuple, or None.

    Raises:
        TargetError: if they are not integers.
    """
    if filter_indices is None:
        return None
    several = isinstance(filter_indices, list | tuple | range | set) or getattr(filter_indices, "ndim", 0) == 1
    indices = [as_index(one) for one in (filter_indices if several else [filter_indices])]
    if not indices or any(one is None for one in indices):
        raise TargetError(
            f"`filter_indices` (={shown(filter_indices)}) must be an integer, a nonempty list of integers, or None"
        )
    return tuple(one for one in indices if one is not None)


def nonnegative_indices(indices: Indices, filters: int) -> list[int]:
    """Convert negative indices to nonnegative ones, and None to all indices.

    Args:
        indices: filter indices.
        filters: number of filters.

    Raises:
        TargetError: if an index is out of range.
    """
    outside = [one for one in indices or () if not -filters <= one < filters]
    if outside:
        raise TargetError(
            f"`filter_indices` (={shown(outside[0])}) must be one of the layer's {filters} filters: 0 to {filters - 1}, "
            f"or from the end {-filters} to -1"
        )
    return list(range(filters)) if indices is None else [one % filters for one in indices]


def mean_activation(output: Array, indices: Indices, channels: int, xp: Any) -> Array:
    """Return the sum over filters of their mean activation over positions, (N,); for None the mean over all outputs."""
    filters = nonnegative_indices(indices, int(output.shape[channels]))
    if indices is None:
        return xp.mean(output, axis=tuple(range(1, len(output.shape))))
    axis, space = channels % len(output.shape), tuple(range(1, len(output.shape) - 1))
    each = [output[(slice(None),) * axis + (one,)] for one in filters]
    return sum(xp.mean(one, axis=space) if space else one for one in each)


def weighted_sum(
    losses: Sequence[tuple[Any, float]], channels: Sequence[int], xp: Any
) -> Callable[[tuple[Array, ...]], Array]:
    """Return a function from layer outputs, one per loss, to the weighted sum of the losses, (N,).

    Args:
        losses: losses and weights.
        channels: the channel axis of each layer's output.
        xp: the array namespace of the outputs.
    """
    if all(isinstance(loss, ActivationMaximization) for loss, _ in losses):  # a cached function keeps its traced graph
        terms = ((loss.filter_indices, weight, axis) for (loss, weight), axis in zip(losses, channels, strict=True))
        return _weighted_activations(tuple(terms), xp)

    def weighted(outputs: tuple[Array, ...]) -> Array:
        each = zip(losses, outputs, channels, strict=True)
        return sum(weight * _evaluate_loss(loss, output, axis, xp) for (loss, weight), output, axis in each)

    return weighted


@lru_cache(64)
def _weighted_activations(terms: tuple[tuple[Indices, float, int], ...], xp: Any) -> Callable[[tuple[Array, ...]], Array]:
    def weighted(outputs: tuple[Array, ...]) -> Array:
        pairs = zip(terms, outputs, strict=True)
        return sum(-weight * mean_activation(output, indices, axis, xp) for (indices, weight, axis), output in pairs)

    return weighted


def _evaluate_loss(loss: Any, output: Array, channels: int, xp: Any) -> Array:
    """Evaluate a loss on a layer's output, (N,); a single number is repeated for each input."""
    bound = copy.copy(loss)
    bound.layer = LayerProxy(loss.layer, output, channels, xp)
    value = bound.build_loss()
    shape = getattr(value, "shape", None)
    if shape is None or len(shape) > 2:
        raise InputError(
            f"`build_loss` of {type(loss).__name__} must return one number per input, (N,), or a single number for all inputs"
        )
    value = value[:, 0] if len(shape) == 2 else value
    each = output[(slice(None), *[0] * (len(output.shape) - 1))]
    return xp.ones_like(each) * value if len(shape) == 0 else value
