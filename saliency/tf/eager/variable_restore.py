"""Restore variables that a model assigns when it is called, such as the state of a recurrent layer."""

import threading
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.undo import Undo, Undoable, hold_lock
from saliency.tf.ops.variable_assignment import is_assignment

RESTORE_LOCK = threading.RLock()


@dataclass(frozen=True)
class AssignedVariables:
    """The variables that a graph assigns.

    Args:
        variables: the variables.
    """

    variables: tuple[Any, ...]

    @classmethod
    def of_function(cls, function: Any) -> "AssignedVariables":
        """Find the variables that a concrete function assigns, also in its conditions, loops and nested functions."""
        graph = function.graph
        known: dict[str, bool] = {}
        assigning = [op for op in graph.get_operations() if is_assignment(op.type, op.node_def, graph, known)]
        names = {tensor.name for op in assigning for tensor in op.inputs if tensor.dtype == tf.resource}
        handles = [outer for outer, inner in graph.captures if inner.name in names]
        return cls(tuple(each for each in function.variables if any(each.handle is handle for handle in handles)))

    def restored(self) -> Undoable[None]:
        """Return a block that restores the variables when it ends. If there are any, one thread runs at a time."""
        return Undoable(self._preserve)

    def _preserve(self, undo: Undo) -> None:
        if self.variables:
            hold_lock(undo, RESTORE_LOCK)
            for variable in self.variables:
                undo.add(variable.assign, variable.read_value())
