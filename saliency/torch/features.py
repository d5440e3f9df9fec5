"""A layer's output as the leaf that scores are differentiated by; and which layer that may be."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.torch.backward import check_finite
from saliency.torch.forward import Forward
from saliency.torch.layers import find_layer, name_of
from saliency.torch.partial_graph import cut_behind
from saliency.torch.query import ScoreQuery
from saliency.torch.spatial_layers import spatial_layers
from saliency.torch.spatial_layout import Grid

Found: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Scores, a layer's output, and the gradients."""

NO_LAYER = (
    "`layer` (=None) must be named: no layer with the input's spatial axes was called before the score "
    "(exported and traced models call none; torch.export.unflatten(program) brings them back)"
)
NO_INFLUENCE = (
    "none of the model's layers with the input's spatial axes has an influence on the score: it was detached, or is a constant"
)


class Features:
    """A model's layers as what scores are differentiated by.

    Args:
        forward: of the model.
    """

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._layers: dict[Any, tuple[torch.nn.Module, str | None]] = {}  # found before, by the kind of input and target

    def evaluate(self, query: ScoreQuery) -> Found:
        """Evaluate the layer of a request, named or found; see ``GradientAdapter.features``."""
        return self.at_last(query) if query.request.layer is None else self.at(query.request.layer, query)

    def at(self, layer: Any, query: ScoreQuery) -> Found:
        """Evaluate a layer that is named; see ``GradientAdapter.features``."""
        module = find_layer(self._forward.model, layer)
        name = name_of(layer)
        refusal = f"{name} {{}}; a map needs one tensor (N, channels, *space)"
        scores, leaf = query.cut(self._forward, partial(cut_behind, module), refusal)
        found = on_input_grid(query, leaf.detach(), len(query.x), name)
        with torch.enable_grad():
            gradients = query.gradients(scores, leaf, name)
        return scores.detach(), found, on_input_grid(query, gradients, len(scores), name)

    def at_last(self, query: ScoreQuery) -> Found:
        """Evaluate the last layer with spatial axes that the score depends on; it is looked for once, and without a rule."""
        layer, found = self._last(query.without_rule())
        return found if query.request.rule is None else self.at(layer, query)

    def _last(self, query: ScoreQuery) -> tuple[torch.nn.Module, Found]:
        layer, known = self.found_before(query), None
        with suppress(GradientError, TargetError):
            if layer is not None:
                known = layer, self.at(layer, query)
        if known is not None and counts(known[1][2]):
            return known
        found = self._look(query)  # another part of the output may depend on another layer
        if known is not None and not counts(found[1][2]):
            return known
        named = ((module, name) for name, module in self._forward.model.named_modules())
        self._layers[_kind(query)] = found[0], next((name for module, name in named if module is found[0]), None)
        return found

    def found_before(self, query: ScoreQuery) -> torch.nn.Module | None:
        """Return the last layer that was found for such a question before, if any was."""
        return self._layers.get(_kind(query), (None, None))[0]

    def found_name(self, query: ScoreQuery) -> str | None:
        """Return its name."""
        return self._layers.get(_kind(query), (None, None))[1]

    def _look(self, query: ScoreQuery) -> tuple[torch.nn.Module, Found]:
        """Go from the last layer up to one whose gradient is not all zero: a class token's layers are passed over."""
        model, target, x, best = self._forward.model, query.target, query.x, None

        def run() -> Any:
            outputs = self._forward.plain(x, replace(target, logits=False), query.request.feed)
            check_finite(query.scores(outputs))
            return outputs if target.logits else None

        before = [find_layer(model, layer) for layer in target.layers]
        layers = spatial_layers(model, run, before, Grid.of_input(x.shape, query.adapter.channel_axis), len(x))
        for layer in reversed(layers):
            with suppress(GradientError, TargetError):
                found = self.at(layer, query)
                if counts(found[2]):
                    return layer, found
                best = best or (layer, found)
        if best is None:
            raise GradientError(NO_INFLUENCE) if layers else TargetError(NO_LAYER)
        return best


def counts(gradients: torch.Tensor) -> bool:
    """Tell whether any is not zero."""
    low, high = gradients.aminmax()  # many times as fast as any()
    return bool((low < 0) | (high > 0))


def on_input_grid(query: ScoreQuery, output: torch.Tensor, samples: int, name: str) -> torch.Tensor:
    """Return a layer's output, or its gradients, with the input's spatial axes: (samples, channels, *space).

    Raises:
        TargetError: if it has none.
    """
    grid = Grid.of_input(query.x.shape, query.adapter.channel_axis)
    found = grid.of(output, samples)
    if found is None:
        raise TargetError(
            f"{name} gives the shape {tuple(output.shape)} for {samples} input(s); a map needs (N, channels, *space), with "
            f"the input's {len(grid.space)} spatial axes, and more than one position on them"
        )
    return found


def _kind(query: ScoreQuery) -> tuple[Any, ...]:
    """Return what tells questions apart whose last layers may be others."""
    return tuple(query.x.shape[1:]), tuple(query.request.feed), query.target.layer, query.target.logits
