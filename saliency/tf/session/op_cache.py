"""Add operations to a user's graph once for each query, and find them again for as long as the graph lives."""

import weakref
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from saliency.core.errors import ModelError, SaliencyError
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.error_translation import summarize_error
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.tracing_lock import TRACING_LOCK

OpBuilder: TypeAlias = Callable[[GraphInfo], Sequence[Any]]
"""Takes a ``GraphInfo`` that it adds to; returns tensors of the graph that is being extended."""


class QueryTensors(NamedTuple):
    """The tensors that answer a query, and facts that were recorded while they were built."""

    tensors: list[Any]
    info: GraphInfo


@dataclass(frozen=True)
class _CachedQuery:
    """The names of a query's tensors (a tensor itself would keep the graph alive), or the error that building raised."""

    names: list[str] = field(default_factory=list)
    info: GraphInfo = field(default_factory=GraphInfo)
    error: tuple[type[SaliencyError], str] | None = None


_caches: "weakref.WeakKeyDictionary[tf.Graph, dict[Hashable, _CachedQuery]]" = weakref.WeakKeyDictionary()


def cached_ops(graph: tf.Graph, key: Hashable, builder: OpBuilder) -> QueryTensors:
    """Return the tensors of a query; the first call adds their operations to the graph.

    Args:
        graph: the user's graph. A finalized graph is finalized again.
        key: what distinguishes the query's operations from those of other queries.
        builder: adds the operations.

    Raises:
        SaliencyError: as ``builder``, on the first call or on an earlier one. A query that fails adds operations only once.
    """
    with TRACING_LOCK:
        queries = _caches.setdefault(graph, {})
        if key not in queries:
            queries[key] = _build(graph, builder)
        query = queries[key]
    if query.error is not None:
        kind, message = query.error
        raise kind(message)
    return QueryTensors([graph.get_tensor_by_name(name) for name in query.names], query.info)


def _build(graph: tf.Graph, builder: OpBuilder) -> _CachedQuery:
    info = GraphInfo()
    with _allow_new_operations(graph):
        try:
            return _CachedQuery([tensor.name for tensor in builder(info)], info)
        except SaliencyError as error:
            return _CachedQuery(error=(type(error), str(error)))
        except Exception as error:
            message = f"TensorFlow can't differentiate this graph: {summarize_error(error)}"
            return _CachedQuery(error=(ModelError, message))


@undoable
def _allow_new_operations(undo: Undo, graph: tf.Graph) -> None:
    """Allow new operations in a graph within the block, outside of all scopes that the user may have entered."""
    if graph.finalized:
        undo.add(graph.finalize)
        graph._unsafe_unfinalize()
    scopes = ExitStack()
    undo.add(scopes.close)
    scopes.enter_context(graph.as_default())
    for scope in (graph.control_dependencies(None), graph.device(None), graph.name_scope("saliency/")):
        scopes.enter_context(scope)
