"""Remember which layer was found for each kind of input and target."""

from typing import Any
from weakref import ref

import torch

from saliency.torch.layer_grids import LayerGrids
from saliency.torch.layer_memory import FoundLayer
from saliency.torch.module_tree import named_modules
from saliency.torch.query import ScoreQuery


class FoundLayers:
    """The last layers with the input's positions that searches found, shared by all adapters of a model.

    Args:
        grids: of the model's layers.
    """

    def __init__(self, grids: LayerGrids) -> None:
        self._grids = grids
        self._own: dict[Any, FoundLayer] = {}  # of targets and grids that may reference the model
        self._used: set[Any] = set()  # kinds of queries of this adapter

    def layer(self, query: ScoreQuery) -> FoundLayer | None:
        """Return what an earlier query of this kind found, or None."""
        table, key = self._table(query), query_kind(query)
        return table.get((key, query.target.kinds), table.get(key))

    def module(self, query: ScoreQuery) -> torch.nn.Module | None:
        """Return the layer that an earlier query of this kind found last, or None."""
        found = self.layer(query)
        return None if found is None else found.module()

    def name(self, query: ScoreQuery) -> str | None:
        """Return the name of this layer, or None."""
        found = self.layer(query)
        return None if found is None else found.name

    def remember(
        self, query: ScoreQuery, layer: torch.nn.Module, is_last: bool, is_bottleneck: bool, depends_on_input: bool
    ) -> None:
        """Store a layer for the query's targets; the last candidate is tried first for all other targets as well.

        Args:
            query: the query.
            layer: the layer.
            is_last: whether no other candidate follows it.
            is_bottleneck, depends_on_input: see ``FoundLayer``.
        """
        named = named_modules(query.adapter.model).items()
        name = next((name for name, module in named if module is layer), None)
        table, key = self._table(query), query_kind(query)
        table[key, query.target.kinds] = FoundLayer(ref(layer), name, is_bottleneck, depends_on_input)
        self.use(query)
        if is_last:  # the graph of a function may have other paths
            table[key] = FoundLayer(ref(layer), name, is_bottleneck and query.target.function is None)

    def use(self, query: ScoreQuery) -> None:
        """Note that this adapter uses the layer for queries of this kind."""
        self._used.add(query_kind(query))

    def is_used(self, query: ScoreQuery) -> bool:
        """Return whether this adapter used the layer before, rather than another adapter of the model."""
        return query_kind(query) in self._used

    def _table(self, query: ScoreQuery) -> dict[Any, FoundLayer]:
        is_bound = hasattr(query.target.function, "__self__")
        return self._own if is_bound or query.request.grid is not None else self._grids.memory.found


def query_kind(query: ScoreQuery) -> tuple[Any, ...]:
    """Return the properties of a query on which its last layer may depend."""
    target = query.target
    layers = tuple(ref(one) if isinstance(one, torch.nn.Module) else one for one in target.layers)
    has_function = target.function is not None
    place = query.request.grid, query.adapter.channel_axis
    return tuple(query.x.shape[1:]), tuple(query.request.feed), layers, has_function, target.logits, *place
