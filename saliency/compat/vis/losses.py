"""keras-vis's losses: numbers that are read off a layer's output."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, final

from saliency.core.errors import InputError, TargetError
from saliency.core.types import Array
from saliency.core.validation import as_index

Indices: TypeAlias = tuple[int, ...] | None
"""Of filters; None for all of them."""


class Loss(ABC):
    """A loss of your own: ``layer`` is set in the constructor, and ``build_loss`` reads ``self.layer.output``.

    While it is called, ``self.layer`` stands for the layer, and its ``output`` is the framework's own array of what the layer
    gave for N inputs, (N, ...): Torch's operations go with it, or TensorFlow's. All else of the layer is as it is.
    """

    name: str = "Unnamed Loss"
    layer: Any = None

    @abstractmethod
    def build_loss(self) -> Array:
        """Return one number for each input, (N,), or a single one, the mean over the inputs."""


@final
class ActivationMaximization(Loss):
    """Minus the sum of filters' activations, of which each is the mean over its positions: low where they are active.

    Args:
        layer: the layer, its name, or its place in ``model.layers``.
        filter_indices: a whole number or several; negative ones count from the end; None is the mean over all outputs.
    """

    name = "ActivationMax Loss"

    def __init__(self, layer: Any, filter_indices: Any) -> None:
        self.layer, self.filter_indices = layer, indices_of(filter_indices)

    def build_loss(self) -> Array:
        """Return the loss of each input, (N,), with channels where the layer's output has them."""
        return -activation(self.layer.output, self.filter_indices, self.layer.channels, self.layer.xp)


class Seen:
    """Stands for a layer: with its attributes, and what it gave as ``output``, whose ``channels`` are an axis of ``xp``'s."""

    def __init__(self, layer: Any, output: Array, channels: int, xp: Any) -> None:
        self._layer, self.output, self.channels, self.xp = layer, output, channels, xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)


def indices_of(filter_indices: Any) -> Indices:
    """Return filters' indices as a tuple, not empty.

    Raises:
        TargetError: if they are no whole numbers.
    """
    if filter_indices is None:
        return None
    several = isinstance(filter_indices, list | tuple | range | set) or getattr(filter_indices, "ndim", 0) == 1
    found = [as_index(one) for one in (filter_indices if several else [filter_indices])]
    if not found or any(one is None for one in found):
        raise TargetError(f"`filter_indices` (={filter_indices!r}) must be a whole number, some of them, or None")
    return tuple(one for one in found if one is not None)


def counted_from_0(indices: Indices, filters: int) -> list[int]:
    """Return indices from 0 to the number of filters, of which the last is -1; all of them for None.

    Raises:
        TargetError: if one is outside.
    """
    outside = [one for one in indices or () if not -filters <= one < filters]
    if outside:
        raise TargetError(
            f"`filter_indices` (={outside[0]}) must be one of the layer's {filters} filters: 0 to {filters - 1}, or from the "
            f"end {-filters} to -1"
        )
    return list(range(filters)) if indices is None else [one % filters for one in indices]


def activation(output: Array, indices: Indices, channels: int, xp: Any) -> Array:
    """Return (N,): the sum over filters of the mean over positions; for None the mean over all."""
    found = counted_from_0(indices, int(output.shape[channels]))
    if indices is None:
        return xp.mean(output, axis=tuple(range(1, len(output.shape))))
    place, space = channels % len(output.shape), tuple(range(1, len(output.shape) - 1))
    each = [output[(slice(None),) * place + (one,)] for one in found]
    return sum(xp.mean(one, axis=space) if space else one for one in each)


def total(losses: Sequence[tuple[Any, float]], channels: int, xp: Any) -> Callable[[tuple[Array, ...]], Array]:
    """Return the weighted sum of losses (N,) as a function of the outputs of their layers, one for each."""
    if all(isinstance(loss, ActivationMaximization) for loss, _ in losses):  # the same function as ever: its graph is kept
        return _total_activation(tuple((loss.filter_indices, weight) for loss, weight in losses), channels, xp)

    def weighted(outputs: tuple[Array, ...]) -> Array:
        return sum(w * _built(loss, output, channels, xp) for (loss, w), output in zip(losses, outputs, strict=True))

    return weighted


@lru_cache(64)
def _total_activation(
    terms: tuple[tuple[Indices, float], ...], channels: int, xp: Any
) -> Callable[[tuple[Array, ...]], Array]:
    def weighted(outputs: tuple[Array, ...]) -> Array:
        return sum(-w * activation(output, some, channels, xp) for (some, w), output in zip(terms, outputs, strict=True))

    return weighted


def _built(loss: Any, output: Array, channels: int, xp: Any) -> Array:
    """Return a loss of an output as (N,); a single number counts for each input."""
    mine = copy.copy(loss)
    mine.layer = Seen(loss.layer, output, channels, xp)
    found = mine.build_loss()
    shape = getattr(found, "shape", None)
    if shape is None or len(shape) > 2:
        raise InputError(f"`build_loss` of {type(loss).__name__} must give one number for each input, (N,), or one for all")
    found = found[:, 0] if len(shape) == 2 else found
    each = output[(slice(None), *[0] * (len(output.shape) - 1))]
    return xp.ones_like(each) * found if len(shape) == 0 else found
