"""Restore variables that a model assigns when it is called, such as the state of a recurrent layer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

RESTORE_LOCK = threading.RLock()

ASSIGNING = (
    *("Assign", "ResourceScatter", "ResourceStridedSliceAssign", "ResourceApply", "ResourceSparseApply", "ResourceCountUpTo"),
    *("StatefulUniform", "StatefulStandardNormal", "StatefulTruncatedNormal", "StatefulRandomBinomial", "Rng"),
)
"""First parts of the names of operations that change a variable, or the state of a ``tf.random.Generator``."""


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
        assigning = [op for op in graph.get_operations() if _assigns(op.type, op.node_def, graph, known)]
        names = {tensor.name for op in assigning for tensor in op.inputs if tensor.dtype == tf.resource}
        handles = [outer for outer, inner in graph.captures if inner.name in names]
        return cls(tuple(each for each in function.variables if any(each.handle is handle for handle in handles)))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore the variables when the block ends. If there are any, one thread runs at a time."""
        if not self.variables:
            yield
            return
        with RESTORE_LOCK:
            before = [variable.read_value() for variable in self.variables]
            try:
                yield
            finally:
                for variable, value in zip(self.variables, before, strict=True):
                    variable.assign(value)


def _assigns(kind: str, node: Any, graph: Any, known: dict[str, bool]) -> bool:
    """Return whether an operation, or any operation in the functions that it calls, assigns a variable.

    Args:
        kind: the operation's type.
        node: its definition.
        graph: the graph whose library has the functions.
        known: the results for functions, by name.
    """
    if kind.startswith(ASSIGNING):
        return True
    for name in _called_names(node):
        if name not in known:
            known[name] = False  # a recursive function
            definition = _definition(graph, name)
            nodes = () if definition is None else definition.node_def
            known[name] = any(_assigns(each.op, each, graph, known) for each in nodes)
        if known[name]:
            return True
    return False


def _called_names(node: Any) -> list[str]:
    functions = [each for attribute in node.attr.values() for each in (attribute.func, *attribute.list.func)]
    return [each.name for each in functions if each.name]


def _definition(graph: Any, name: str) -> Any:
    """Return the definition of a function in the library of a graph or of the graphs around it; None if there is none."""
    while graph is not None:
        function = graph._get_function(name)
        if function is not None:
            return function.cached_definition
        graph = getattr(graph, "outer_graph", None)
    return None
