"""Restore variables that a model assigns when it is called, such as the state of a recurrent layer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

RESTORE_LOCK = threading.RLock()

ASSIGNING = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate", "ResourceScatterAdd"}


@dataclass(frozen=True)
class AssignedVariables:
    """The variables that a graph assigns.

    Args:
        variables: the variables.
    """

    variables: tuple[Any, ...]

    @classmethod
    def of_function(cls, function: Any) -> "AssignedVariables":
        """Find the variables that a concrete function assigns, at the top level of its graph."""
        ops = function.graph.get_operations()
        names = {op.inputs[0].name for op in ops if op.type in ASSIGNING}
        handles = [outer for outer, inner in function.graph.captures if inner.name in names]
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
