"""Choose the last layer with spatial axes where the user names no layer."""

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

from saliency.core.errors import GradientError, TargetError

LayerResult: TypeAlias = tuple[Any, ...]
"""Scores, a layer's output, the gradients with respect to it, and what else the adapter returns."""


def evaluate_last_layer(
    layer_cache: MutableMapping[Hashable, Any],
    key: Hashable,
    target: Hashable,
    evaluate: Callable[[Any], LayerResult],
    spatial_layers: Callable[[], Mapping[Any, bool]],
    has_gradient: Callable[[LayerResult], bool],
    error_message: str,
) -> LayerResult:
    """Evaluate the last spatial layer whose gradients are not all zero, or the last spatial layer if there is none.

    Args:
        layer_cache: layers of earlier calls by kind of input and target. A new one is added.
        key: the kind of the present input.
        target: the kinds of the present targets. The last candidate is tried first for all other targets as well.
        evaluate: evaluates a layer.
        spatial_layers: returns the candidates in the order of their calls, and whether any gradient of each is not zero.
        has_gradient: tells whether any gradient in a result is not zero.
        error_message: the error if there is no candidate.

    Raises:
        TargetError: if there is no candidate.
    """
    known = found_layer(layer_cache, key, target)
    with suppress(GradientError, TargetError):  # another part of the output may depend on another layer
        if known is not None and has_gradient(result := evaluate(known)):
            return result
    layers = spatial_layers()
    candidates = [layer for layer, nonzero in layers.items() if nonzero] or list(layers)
    if not candidates:
        raise TargetError(error_message)
    layer_cache[key, target] = candidates[-1]
    if candidates[-1] == list(layers)[-1]:
        layer_cache[key] = candidates[-1]
    return evaluate(candidates[-1])


def found_layer(layer_cache: Mapping[Hashable, Any], key: Hashable, target: Hashable) -> Any:
    """Return the layer that an earlier call found; None if there was none."""
    return layer_cache.get((key, target), layer_cache.get(key))
