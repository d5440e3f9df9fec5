"""Restore variables that a model assigns when it is called, such as the state of a recurrent layer."""

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.resource_variable_ops import get_eager_safe_handle_data

from saliency.core.undo import Undo, Undoable, hold_lock
from saliency.tf.ops.variable_assignment import is_assignment

RESTORE_LOCK = threading.RLock()


@dataclass(frozen=True)
class AssignedVariables:
    """The variables that a graph assigns.

    Args:
        handles: the variables' handles and types; those of a SavedModel have no other object in the graph that calls it.
    """

    handles: tuple[tuple[Any, Any], ...]

    @classmethod
    def of_function(cls, function: Any) -> "AssignedVariables":
        """Find the variables that a concrete function assigns, also in its conditions, loops and nested functions."""
        graph = function.graph
        known: dict[str, bool] = {}
        assigning = [op for op in graph.get_operations() if is_assignment(op.type, op.node_def, graph, known)]
        names = {_source(tensor).name for op in assigning for tensor in op.inputs if tensor.dtype == tf.resource}
        handles = [outer for outer, inner in graph.captures if inner.name in names and outer.dtype == tf.resource]
        data = [(handle, get_eager_safe_handle_data(handle)) for handle in handles]
        return cls(tuple((handle, each.shape_and_type[0].dtype) for handle, each in data if each.is_set))

    def restored(self) -> Undoable[None]:
        """Return a block that restores the variables when it ends. If there are any, one thread runs at a time."""
        return Undoable(self._preserve)

    def _preserve(self, undo: Undo) -> None:
        if self.handles:
            hold_lock(undo, RESTORE_LOCK)
            for handle, dtype in self.handles:
                undo.add(partial(_assign, handle), tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype))


def _assign(handle: Any, value: Any) -> None:
    tf.raw_ops.AssignVariableOp(resource=handle, value=value)


def _source(handle: Any) -> Any:
    """Return the handle that a graph was given, behind the identities that inlining leaves."""
    while handle.op.type == "Identity":
        handle = handle.op.inputs[0]
    return handle
