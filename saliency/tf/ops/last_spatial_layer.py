"""Choose the last layer with the input's positions where the user names no layer."""

from collections.abc import Callable, Hashable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from saliency.core.errors import GradientError, TargetError
from saliency.core.warnings import warn, warn_of_zero_gradients

LayerResult: TypeAlias = tuple[Any, ...]
"""Scores, a layer's output, the gradients with respect to it, and what else the adapter returns."""


FOR_ONE_INPUT = "for one input"
"""Marks a layer in the cache: a later one had no gradient at all, which may be different for another input."""


@dataclass(frozen=True)
class CalledLayer:
    """A layer that a score depends on.

    Args:
        shape: of its output.
        has_grid: whether the output holds the input's positions; otherwise it has the shape of tokens or of an image.
        has_gradient: whether any of the gradients by these positions, or by all of another output, is not zero.
        has_any_gradient: whether any of the gradients by the whole output is not zero.
    """

    shape: tuple[int | None, ...]
    has_grid: bool
    has_gradient: bool
    has_any_gradient: bool


def read_called_layers(
    layers: Mapping[str, tuple[tuple[int | None, ...], bool]], flags: Iterable[Any]
) -> dict[str, CalledLayer]:
    """Return the layers by name, from their shapes and grids, and from the values of their ``gradient_flags``."""
    read = [np.asarray(one).tolist() for one in flags]
    return {name: CalledLayer(*each, *own) for (name, each), own in zip(layers.items(), read, strict=True)}


def evaluate_last_layer(
    layer_cache: MutableMapping[Hashable, Any],
    key: Hashable,
    target: Hashable,
    evaluate: Callable[[Any], LayerResult],
    called_layers: Callable[[], Mapping[Any, CalledLayer]],
    has_gradient: Callable[[LayerResult], bool],
    error_message: str,
) -> LayerResult:
    """Evaluate the last layer with a grid whose gradients are not all zero, or the last layer with a grid if there is none.

    Warns if a later layer of such a shape was passed over, and if the gradients of all layers are zero.

    Args:
        layer_cache: layers of earlier calls by kind of input and target. A new one is added.
        key: the kind of the present input.
        target: the kinds of the present targets. The last candidate is tried first for all other targets as well.
        evaluate: evaluates a layer.
        called_layers: returns the layers in the order of their calls.
        has_gradient: tells whether any gradient in a result is not zero.
        error_message: the error if there is no candidate.

    Raises:
        TargetError: if there is no candidate.
    """
    known = found_layer(layer_cache, key, target)
    with suppress(GradientError, TargetError):  # another part of the output may depend on another layer
        if known is not None and (key, target, FOR_ONE_INPUT) not in layer_cache and has_gradient(result := evaluate(known)):
            return result
    layers = called_layers()
    grids = [layer for layer, called in layers.items() if called.has_grid]
    if not grids:
        raise TargetError(_with_tokens(error_message, layers))
    candidates = [layer for layer in grids if layers[layer].has_gradient]
    found = (candidates or grids)[-1]
    if candidates:
        _warn_of_later(found, layers)
    else:
        warn_of_zero_gradients(found)
    layer_cache[key, target] = found
    layer_cache.pop((key, target, FOR_ONE_INPUT), None)
    if candidates and any(not layers[name].has_any_gradient for name in grids[grids.index(found) + 1 :]):
        layer_cache[key, target, FOR_ONE_INPUT] = True
    if found == grids[-1]:
        layer_cache[key] = found
    return evaluate(found)


def _warn_of_later(found: Any, layers: Mapping[Any, CalledLayer]) -> None:
    names = list(layers)
    after = names[names.index(found) + 1 :]
    later = [name for name in after if not layers[name].has_grid and layers[name].has_gradient]
    if later:
        warn_of_later_layer(found, later[-1], layers[later[-1]].shape)


def warn_of_later_layer(found: Any, later: Any, shape: tuple[Any, ...]) -> None:
    """Warn that a map is of a layer, although a later one may hold positions."""
    warn(
        f"the map is of layer {str(found)!r}; the later layer {str(later)!r} with the shape {shape} was passed over, because "
        "it is not known to hold positions of the input. If it does, name it: layer=, with grid=(rows, columns) and "
        "tokens=slice(...), or reshape="
    )


def _with_tokens(message: str, layers: Mapping[Any, CalledLayer]) -> str:
    """Add the layers with tokens that are not known to be positions to an error message."""
    names = [f"{str(name)!r} {called.shape}" for name, called in layers.items()][-3:]
    where = "; layers whose outputs are not known to hold positions of the input"
    return f"{message}{where}: {', '.join(names)}" if names else message


def found_layer(layer_cache: Mapping[Hashable, Any], key: Hashable, target: Hashable) -> Any:
    """Return the layer that an earlier call found; None if there was none."""
    return layer_cache.get((key, target), layer_cache.get(key))
