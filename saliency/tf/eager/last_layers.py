"""Evaluate the last layer with the input's positions where the user names no layer, and remember it for the model."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from saliency.core.adapter_request import Request
from saliency.core.errors import GradientError, TargetError
from saliency.tf.eager.layer_queries import LayerQueries, LayerResult
from saliency.tf.eager.model_outputs import ModelOutputs
from saliency.tf.ops.last_spatial_layer import evaluate_last_layer, found_layer, warn_of_later_layer
from saliency.tf.ops.spatial_layout import SpatialLayout

LayerQuery: TypeAlias = Callable[[Any, Request, SpatialLayout], LayerResult]
"""A query at the layer that a request names, or at the last one that its graph finds."""

NO_LAYER = (
    "`layer` (=None) must be named: the score depends on no layer whose output is known to hold several positions of the input"
)


class LastLayers:
    """The last layers with the input's positions, by kinds of inputs and targets.

    Usually one graph finds the layer and evaluates it. If all gradients by this layer are zero, a search compares the
    gradients by all layers.

    Args:
        queries: on the layers of the model.
        outputs: of the model.
        shared: the layers that all adapters of the model found.
    """

    def __init__(self, queries: LayerQueries, outputs: ModelOutputs, shared: dict[Any, Any]) -> None:
        self._queries, self._outputs, self._shared = queries, outputs, shared
        self._own: dict[Any, Any] = {}  # of functions that may reference the model
        self._warned: set[Any] = set()

    def evaluate(self, query: LayerQuery, x: Any, request: Request, layout: SpatialLayout) -> tuple[Any, ...]:
        """Return the results of a query at the last layer with a gradient."""
        table, (key, target) = self._table(request), self._key(request, layout)
        is_new = (key, target) not in table
        if layout.stated is None and (is_new or (key, target, "graph") in table):
            with suppress(GradientError, TargetError):
                info, results = query(x, request, layout)
                nonzero = np.asarray(results[-1]).tolist()  # iterating over a tensor is slow
                if nonzero[0]:
                    table[key, target] = table[key, target, "graph"] = info.last_layer
                    later = [one for one, is_used in zip(info.passed_over, nonzero[1:], strict=True) if is_used]
                    if later and (key, target) not in self._warned:
                        self._warned.add((key, target))
                        warn_of_later_layer(info.last_layer, *later[-1])
                    return results
        table.pop((key, target, "graph"), None)

        def evaluate(layer: Any) -> tuple[Any, ...]:
            return query(x, replace(request, layer=layer), layout).tensors

        layers = partial(self._queries.called_layers, x, request, layout)
        return evaluate_last_layer(table, key, target, evaluate, layers, _has_gradient, NO_LAYER)

    def find(self, request: Request, layout: SpatialLayout) -> Any:
        """Return the layer that an earlier call used; None if there was none."""
        return found_layer(self._table(request), *self._key(request, layout))

    def _table(self, request: Request) -> dict[Any, Any]:
        return self._own if hasattr(request.target.function, "__self__") else self._shared

    def _key(self, request: Request, layout: SpatialLayout) -> tuple[Hashable, Hashable]:
        """Return what the choice of the layer depends on: the kind of input, and the kinds of targets."""
        target = request.target
        return (layout, tuple(request.feed), self._outputs.target_paths(target), target.logits), target.kinds


def _has_gradient(results: tuple[Any, ...]) -> bool:
    return bool(np.asarray(results[-1])[0])
