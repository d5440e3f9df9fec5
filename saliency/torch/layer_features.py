"""Differentiate scores with respect to a layer's output, and find the last spatial layer that a score depends on."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.torch.backward import check_finite
from saliency.torch.forward import ForwardRunner
from saliency.torch.layers import describe_layer, find_layer
from saliency.torch.query import ScoreQuery
from saliency.torch.spatial_layers import find_spatial_layers
from saliency.torch.spatial_layout import SpatialLayout

LayerResult: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Scores, a layer's output, and the gradients by this output."""

NO_LAYER = (
    "`layer` (=None) must be named: no layer with the input's spatial axes was called before the score. Exported and traced "
    "models call no layers; torch.export.unflatten(program) restores those of an exported one"
)
NO_INFLUENCE = (
    "the score does not depend on any layer with the input's spatial axes: it was detached, or is a constant. Remove "
    "detach(), argmax, rounding or NumPy from the model and the target, or use Occlusion, which needs no gradient"
)


class LayerFeatures:
    """Compute a layer's output and the gradients by it.

    Args:
        forward: of the model.
    """

    def __init__(self, forward: ForwardRunner) -> None:
        self._forward = forward
        self._last_layers: dict[Any, tuple[torch.nn.Module, str | None]] = {}  # by the kind of input and target

    def evaluate(self, query: ScoreQuery) -> LayerResult:
        """Evaluate the layer that a request names, or find one; see ``GradientAdapter.features``."""
        layer = query.request.layer
        return self.evaluate_last_layer(query) if layer is None else self.evaluate_layer(layer, query)

    def evaluate_layer(self, layer: Any, query: ScoreQuery) -> LayerResult:
        """Evaluate a given layer; see ``GradientAdapter.features``."""
        module = find_layer(self._forward.model, layer)
        name = describe_layer(layer)
        error_message = f"{name} {{}}; a map needs one tensor (N, channels, *space) of floats. Name another layer"
        scores, leaf = query.scores_from_layer(self._forward, module, error_message)
        output = arrange_spatially(query, leaf.detach(), len(query.x), name)
        with torch.enable_grad():
            gradients = query.gradients(scores, leaf, name)
        return scores.detach(), output, arrange_spatially(query, gradients, len(scores), name)

    def evaluate_last_layer(self, query: ScoreQuery) -> LayerResult:
        """Evaluate the last spatial layer that the score depends on; the search happens once, without a rule."""
        layer, result = self._find_last_layer(query.without_rule())
        return result if query.request.rule is None else self.evaluate_layer(layer, query)

    def _find_last_layer(self, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult]:
        layer, earlier = self.found_before(query), None
        with suppress(GradientError, TargetError):
            if layer is not None:
                earlier = layer, self.evaluate_layer(layer, query)
        if earlier is not None and has_nonzero(earlier[1][2]):
            return earlier
        found = self._search(query)  # another part of the output may depend on another layer
        if earlier is not None and not has_nonzero(found[1][2]):
            return earlier
        return found

    def found_before(self, query: ScoreQuery) -> torch.nn.Module | None:
        """Return the last layer that an earlier query of this kind found, or None."""
        return self._found(query)[0]

    def found_name(self, query: ScoreQuery) -> str | None:
        """Return the name of the layer ``found_before``, or None."""
        return self._found(query)[1]

    def _found(self, query: ScoreQuery) -> tuple[torch.nn.Module | None, str | None]:
        key = _cache_key(query)
        return self._last_layers.get((key, query.target.kinds), self._last_layers.get(key, (None, None)))

    def _remember(self, query: ScoreQuery, layer: torch.nn.Module, is_last: bool) -> None:
        """Store a layer for the query's targets; the last candidate is tried first for all other targets as well."""
        named = ((module, name) for name, module in self._forward.model.named_modules())
        entry = layer, next((name for module, name in named if module is layer), None)
        self._last_layers[_cache_key(query), query.target.kinds] = entry
        if is_last:
            self._last_layers[_cache_key(query)] = entry

    def _search(self, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult]:
        """Try the layers from the last to the first until one has a non-zero gradient, which skips a class token's layers."""
        model, target, x, fallback = self._forward.model, query.target, query.x, None

        def run() -> Any:
            outputs = self._forward.run(x, replace(target, logits=False), query.request.feed)
            check_finite(query.scores(outputs))
            return outputs if target.logits else None

        stop_layers = [find_layer(model, layer) for layer in target.layers]
        layers = find_spatial_layers(model, run, stop_layers, _layout(query), len(x))
        for layer in reversed(layers):
            with suppress(GradientError, TargetError):
                result = self.evaluate_layer(layer, query)
                if has_nonzero(result[2]):
                    self._remember(query, layer, layer is layers[-1])
                    return layer, result
                fallback = fallback or (layer, result)
        if fallback is None:
            raise GradientError(NO_INFLUENCE) if layers else TargetError(NO_LAYER)
        self._remember(query, fallback[0], fallback[0] is layers[-1])
        return fallback


def has_nonzero(gradients: torch.Tensor) -> bool:
    """Return whether any gradient is not zero."""
    low, high = gradients.aminmax()  # many times as fast as any()
    return bool((low < 0) | (high > 0))


def arrange_spatially(query: ScoreQuery, output: torch.Tensor, samples: int, name: str) -> torch.Tensor:
    """Return a layer's output, or the gradients by it, with the input's spatial axes: (samples, channels, *space).

    Raises:
        TargetError: if there are no such axes.
    """
    layout = _layout(query)
    arranged = layout.arrange(output, samples)
    if arranged is None:
        raise TargetError(
            f"{name} returns shape {tuple(output.shape)} for {samples} input(s); a map needs (N, channels, *space) with the "
            f"input's {len(layout.space)} spatial axes and more than one position on them. Name another layer, such as a "
            "convolution"
        )
    return arranged


def _layout(query: ScoreQuery) -> SpatialLayout:
    return SpatialLayout.from_input(query.x.shape, query.adapter.channel_axis)


def _cache_key(query: ScoreQuery) -> tuple[Any, ...]:
    """Return the properties of a query on which its last layer may depend."""
    return tuple(query.x.shape[1:]), tuple(query.request.feed), query.target.layer, query.target.logits
