"""Differentiate scores with respect to a layer's output, and find the last spatial layer that a score depends on."""

from contextlib import suppress
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.core.position_grid import PositionGrid
from saliency.core.warnings import warn_of_zero_gradients
from saliency.torch.forward import ForwardRunner
from saliency.torch.found_layers import FoundLayers
from saliency.torch.layer_grids import LayerGrid, LayerGrids
from saliency.torch.layer_memory import FoundLayer
from saliency.torch.layer_search import CalledLayer, LayerSearch
from saliency.torch.layers import LayerPlace, describe_layer, find_place
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
        self.found = FoundLayers(self.grids)

    def evaluate(self, query: ScoreQuery) -> LayerResult:
        """Evaluate the layer that a request names, or find one; see ``GradientAdapter.features``."""
        self.grids.refresh()
        layer = query.request.layer
        return self._evaluate_last_layer(query) if layer is None else self._evaluate_layer(layer, query)

    def _evaluate_layer(self, layer: Any, query: ScoreQuery) -> LayerResult:
        place = find_place(self._forward.model, layer)
        name = describe_layer(layer)
        error_message = f"{name} {{}}; a map needs one tensor (N, channels, *space) of floats. Name another layer"
        with self.grids.recorded(query, place) as recorded:
            scores, leaf = query.scores_from_layer(self._forward, place, error_message)
            grid = recorded.of(leaf)
        return differentiate_layer(query, scores, leaf, recorded, name, grid)

    def _evaluate_last_layer(self, query: ScoreQuery) -> LayerResult:
        """Evaluate the last spatial layer that the score depends on; the search happens once, without a rule."""
        layer, result = self._find_last_layer(query.without_rule())
        return result if query.request.rule is None else self._evaluate_layer(layer, query)

    def _find_last_layer(self, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult]:
        known, is_used = self.found.layer(query), self.found.is_used(query)
        earlier = None if known is None or known.depends_on_input else self._evaluate_known(known, query)
        if known is not None and earlier is not None and (known.is_bottleneck or has_nonzero(earlier[1][2])):
            self.found.use(query)
            result = earlier
        else:
            result = self._search(query)  # another part of the output may depend on another layer
        if has_nonzero(result[1][2]):
            return result
        if is_used and known is not None and earlier is None:
            earlier = self._evaluate_known(known, query)
        if earlier is not None and is_used:
            return earlier
        warn_of_zero_gradients(self.found.name(query))
        return result

    def _evaluate_known(self, known: FoundLayer, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult] | None:
        """Evaluate the layer that an earlier query found; None if the score does not depend on it."""
        module = known.module()
        with suppress(GradientError, TargetError):
            return None if module is None else (module, self._evaluate_layer(module, query))
        return None

    def tokens_left_out(self, query: ScoreQuery) -> int | None:
        """Return how many of the tokens of the layer that was evaluated are not in its grid, or None if it has no tokens."""
        layer = query.request.layer
        found = self.found.module(query) if layer is None else layer
        return None if found is None else self.grids.left_out(query, find_place(self._forward.model, found))

    def _search(self, query: ScoreQuery) -> tuple[torch.nn.Module, LayerResult]:
        """Find the last layer with the input's positions and a non-zero gradient, which skips a class token's layers."""
        search = find_spatial_layers(self._forward, query, self.grids)
        ranked = search.ranked()
        first = next(ranked, None)
        if first is None:
            raise GradientError(NO_INFLUENCE) if search.has_layers else TargetError(search.explain(NO_LAYER))
        last, has_gradient = search.last, search.has_gradient(first)
        kind = not has_gradient and search.is_bottleneck(first), has_gradient and search.depends_on_input(first)
        if search.can_evaluate(first, query):
            with suppress(GradientError, TargetError):
                result = self._evaluate_found(first, search, query)
                self.found.remember(query, first.module, first.module is last, *kind)
                return first.module, result
        modules = [layer.module for layer in (first, *ranked)]
        del search, ranked, first  # and their graph
        for module in modules:
            with suppress(GradientError, TargetError):
                result = self._evaluate_layer(module, query)
                self.found.remember(query, module, module is last, kind[0] and module is modules[0], kind[1])
                return module, result
        raise GradientError(NO_INFLUENCE)

    def _evaluate_found(self, found: CalledLayer, search: LayerSearch, query: ScoreQuery) -> LayerResult:
        """Evaluate a layer in the graph of the search."""
        recorded = LayerGrid(self.grids, query, LayerPlace(found.module), None)
        name = describe_layer(found.module)
        return differentiate_layer(query, search.scores, found.output, recorded, name, recorded.of(found.output))


def differentiate_layer(
    query: ScoreQuery, scores: torch.Tensor, output: torch.Tensor, recorded: LayerGrid, name: str, grid: PositionGrid | None
) -> LayerResult:
    """Return the scores, a layer's output and the gradients by it, both as (samples, channels, *space).

    Args:
        query: the query.
        scores: (N * T,), with their graph.
        output: the layer's output, in this graph.
        recorded: arranges the output on its grid.
        name: the layer in words, for error messages.
        grid: of the output, None if it has none.
    """
    axis, samples = recorded.sample_axis(output, grid), len(query.x)
    if output.ndim == 0 or output.shape[axis] != samples:  # no axis of samples: refused before it is differentiated
        recorded.arrange(output, samples, name, grid)
    with torch.enable_grad():
        gradients = query.gradients(scores, output, name, sample_axis=axis)
    arranged = recorded.arrange(output.detach(), samples, name, grid)
    return scores.detach(), arranged, recorded.arrange(gradients, len(scores), name, grid)


def has_nonzero(gradients: torch.Tensor) -> bool:
    """Return whether any gradient is not zero."""
    low, high = gradients.aminmax()  # many times as fast as any()
    return bool((low < 0) | (high > 0))
