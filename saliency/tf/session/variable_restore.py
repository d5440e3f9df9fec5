"""Restore variables that a fetch assigns, such as the state of a recurrent layer."""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from saliency.core.undo import Undo, hold_lock, undoable
from saliency.tf.ops.variable_assignment import is_assignment

_lock = threading.RLock()

_known: "weakref.WeakKeyDictionary[Any, dict[tuple[str, ...], list[Any]]]" = weakref.WeakKeyDictionary()
"""Graph -> the names of fetches -> the variables that they assign."""


@undoable
def restore_assigned_variables(undo: Undo, graph: Any, session: Any, fetches: Sequence[Any]) -> None:
    """Restore the variables that fetches assign when the block ends. If there are any, one thread runs at a time.

    Args:
        undo: of the block.
        graph: the session's graph, to which nothing is added.
        session: the user's session.
        fetches: tensors that the block fetches.
    """
    known = _known.setdefault(graph, {})
    names = tuple(tensor.name for tensor in fetches)
    if names not in known:
        known[names] = _assigned_variables(graph, fetches)
    variables = known[names]
    if variables:
        hold_lock(undo, _lock)
        undo.add(_assign, session, variables, session.run(variables))


def _assign(session: Any, variables: list[Any], values: list[Any]) -> None:
    initial_values = [variable.initializer.inputs[1] for variable in variables]
    session.run([variable.initializer for variable in variables], dict(zip(initial_values, values, strict=True)))


def _assigned_variables(graph: Any, fetches: Sequence[Any]) -> list[Any]:
    """Return the graph's variables that operations before the fetches assign."""
    stack = [tensor.op for tensor in fetches]
    reached: set[Any] = set(stack)
    assigned: set[str] = set()
    known: dict[str, bool] = {}
    while stack:
        op = stack.pop()
        if is_assignment(op.type, op.node_def, graph, known):
            assigned.update(
                tensor.op.name for tensor in op.inputs if tensor.dtype == tf.resource or tensor.dtype._is_ref_dtype
            )
        before = [*(tensor.op for tensor in op.inputs), *op.control_inputs]
        stack.extend(new for new in dict.fromkeys(before) if new not in reached)
        reached.update(before)
    collections = (tf.compat.v1.GraphKeys.GLOBAL_VARIABLES, tf.compat.v1.GraphKeys.LOCAL_VARIABLES)
    variables = {_storage_name(each): each for name in collections for each in graph.get_collection(name)}
    return [variable for name, variable in variables.items() if name in assigned]


def _storage_name(variable: Any) -> str:
    handle = getattr(variable, "handle", None)  # of a resource variable; others are operations themselves
    name: str = variable.op.name if handle is None else handle.op.name
    return name
