"""Variables that a model changes when it is called, as a recurrent layer with a state does; they are set back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

LOCK = threading.RLock()

ASSIGNING = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatterUpdate", "ResourceScatterAdd"}


@dataclass(frozen=True)
class Variables:
    """Variables that a graph changes.

    Args:
        variables: those.
    """

    variables: tuple[Any, ...]

    @classmethod
    def changed_by(cls, function: Any) -> "Variables":
        """Find them in a concrete function, at the top of its graph."""
        ops = function.graph.get_operations()
        names = {op.inputs[0].name for op in ops if op.type in ASSIGNING}
        handles = [outside for outside, inside in function.graph.captures if inside.name in names]
        return cls(tuple(one for one in function.variables if any(one.handle is handle for handle in handles)))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Set the variables back when the block ends; one thread at a time, if there are any."""
        if not self.variables:
            yield
            return
        with LOCK:
            before = [one.read_value() for one in self.variables]
            try:
                yield
            finally:
                for one, value in zip(self.variables, before, strict=True):
                    one.assign(value)
