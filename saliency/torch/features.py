"""A layer's output as the leaf that scores are differentiated by; and which layer that may be."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from saliency.core.errors import GradientError, TargetError
from saliency.core.target import Target
from saliency.torch.backward import check_finite, check_scores, differentiate
from saliency.torch.cut import cut_at
from saliency.torch.forward import Forward
from saliency.torch.grids import Grid
from saliency.torch.layers import find_layer
from saliency.torch.spatial_layers import spatial_layers

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
        self._layers: dict[Any, torch.nn.Module] = {}  # found before, by the kind of input and target

    def at(self, layer: Any, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> Found:
        """Evaluate a layer that is named; see ``GradientAdapter.features``."""
        module = find_layer(self._forward.model, layer)
        name = f"layer {layer!r}" if isinstance(layer, str) else f"layer ({type(module).__name__})"
        scores, leaf = self._cut(module, name, x, target, feed, adapter)
        grid = Grid.of_input(x.shape, adapter.channel_axis)
        found = _on_grid(grid, leaf.detach(), len(x), name)
        check_scores(scores, name)
        with torch.enable_grad():
            gradients = differentiate(scores, leaf, name)
        return scores.detach(), found, _on_grid(grid, gradients, len(scores), name)

    def at_last(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> Found:
        """Evaluate the last layer with spatial axes that the score depends on; it is looked for once."""
        key, known = (tuple(x.shape[1:]), tuple(feed), target.layer, target.logits), None
        with suppress(GradientError, TargetError):
            if key in self._layers:
                known = self.at(self._layers[key], x, target, feed, adapter)
        if known is not None and _counts(known[2]):
            return known
        layer, found = self._look(x, target, feed, adapter)  # another part of the output may depend on another layer
        if known is not None and not _counts(found[2]):
            return known
        self._layers[key] = layer
        return found

    def _cut(
        self, module: torch.nn.Module, name: str, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scores, and the leaf that they depend on.

        A model that sets the grad mode itself may switch it off behind the layer: then it runs again, with a graph all over.
        """
        for grad in (False, True):
            with cut_at(module) as cut:
                outputs = self._forward.with_graph(x, target, feed, grad)
            if cut.leaf is None:
                raise TargetError(f"{name} {cut.found}; a map needs one tensor (N, channels, *space)")
            leaf = cut.leaf
            with torch.enable_grad():
                scores = target.scores(outputs, len(x), adapter)
            if scores.requires_grad:
                break
        return scores, leaf

    def _look(self, x: torch.Tensor, target: Target, feed: Mapping[str, Any], adapter: Any) -> tuple[torch.nn.Module, Found]:
        """Go from the last layer up to one whose gradient is not all zero: a class token's layers are passed over."""
        model, best = self._forward.model, None

        def run() -> Any:
            outputs = self._forward.plain(x, replace(target, logits=False), feed)
            check_finite(target.scores(outputs, len(x), adapter))
            return outputs if target.logits else None

        before = None if target.layer is None else find_layer(model, target.layer)
        layers = spatial_layers(model, run, before, Grid.of_input(x.shape, adapter.channel_axis), len(x))
        for layer in reversed(layers):
            with suppress(GradientError, TargetError):
                found = self.at(layer, x, target, feed, adapter)
                if _counts(found[2]):
                    return layer, found
                best = best or (layer, found)
        if best is None:
            raise GradientError(NO_INFLUENCE) if layers else TargetError(NO_LAYER)
        return best


def _counts(gradients: torch.Tensor) -> bool:
    low, high = gradients.aminmax()  # many times as fast as any()
    return bool((low < 0) | (high > 0))


def _on_grid(grid: Grid, output: torch.Tensor, samples: int, name: str) -> torch.Tensor:
    found = grid.of(output, samples)
    if found is None:
        raise TargetError(
            f"{name} gives the shape {tuple(output.shape)} for {samples} input(s); a map needs (N, channels, *space), with "
            f"the input's {len(grid.space)} spatial axes, and more than one position on them"
        )
    return found
