"""Differentiate scores with respect to a layer's output, and find the last spatial layer that a score depends on."""

from contextlib import suppress
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.core.warnings import warn_of_zero_gradients
from saliency.torch.forward import ForwardRunner
from saliency.torch.layer_grids import LayerGrids
from saliency.torch.layers import describe_layer, find_layer
from saliency.torch.query import ScoreQuery
from saliency.torch.spatial_layers import find_spatial_layers

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
        self.grids = LayerGrids(forward.model)
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
        with self.grids.recorded(query, module) as recorded:
            scores, leaf = query.scores_from_layer(self._forward, module, error_message)
            grid = recorded.of(leaf)
        axis = recorded.sample_axis(leaf, grid)
        if leaf.ndim == 0 or leaf.shape[axis] != len(query.x):  # no axis of samples: refused before it is differentiated
            recorded.arrange(leaf, len(query.x), name, grid)
        with torch.enable_grad():
            gradients = query.gradients(scores, leaf, name, sample_axis=axis)
        output = recorded.arrange(leaf.detach(), len(query.x), name, grid)
        return scores.detach(), output, recorded.arrange(gradients, len(scores), name, grid)

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
        if not has_nonzero(found[1][2]):
            if earlier is not None:
                return earlier
            warn_of_zero_gradients(self.found_name(query))
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

    def tokens_left_out(self, query: ScoreQuery) -> int | None:
        """Return how many of the tokens of the layer that was evaluated are not in its grid, or None if it has no tokens."""
        layer = query.request.layer
        module = self.found_before(query) if layer is None else find_layer(self._forward.model, layer)
        return None if module is None else self.grids.left_out(query, module)

    def _search(self, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult]:
        """Find the last layer with the input's positions and a non-zero gradient, which skips a class token's layers."""
        search = find_spatial_layers(self._forward, query, self.grids)
        modules, has_layers, no_layer = search.ranked(), search.has_layers, search.explain(NO_LAYER)
        last = search.last
        del search  # and its graph
        for module in modules:
            with suppress(GradientError, TargetError):
                result = self.evaluate_layer(module, query)
                self._remember(query, module, module is last)
                return module, result
        raise GradientError(NO_INFLUENCE) if has_layers else TargetError(no_layer)


def has_nonzero(gradients: torch.Tensor) -> bool:
    """Return whether any gradient is not zero."""
    low, high = gradients.aminmax()  # many times as fast as any()
    return bool((low < 0) | (high > 0))


def _cache_key(query: ScoreQuery) -> tuple[Any, ...]:
    """Return the properties of a query on which its last layer may depend."""
    target = query.target
    return tuple(query.x.shape[1:]), tuple(query.request.feed), target.layer, target.logits, query.request.grid
