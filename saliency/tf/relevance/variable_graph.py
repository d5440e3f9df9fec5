"""The operations through which relevance may pass: those that depend on a tensor, on the way to its scores."""

from collections.abc import Sequence
from typing import Any

from saliency.tf.ops.graph_traversal import is_differentiable, operations_between

STOPS = {"StopGradient", "PreventGradient"}
"""Operations whose result counts as a constant."""


class VariableGraph:
    """The operations between a leaf and scores whose results are variable: they depend on the leaf.

    Args:
        leaf: a tensor of a graph.
        ends: tensors of the same graph, the starts of the backward passes.
    """

    def __init__(self, leaf: Any, ends: Sequence[Any]) -> None:
        self.leaf = leaf
        between = operations_between(leaf, list(ends))
        self.operations: dict[Any, None] = {}
        stack = self._consumers(leaf, between)
        while stack:
            op = stack.pop()
            if op not in self.operations:
                self.operations[op] = None
                stack += [one for output in op.outputs for one in self._consumers(output, between)]

    @staticmethod
    def _consumers(tensor: Any, among: Any) -> list[Any]:
        if not is_differentiable(tensor):
            return []
        return [op for op in dict.fromkeys(tensor.consumers()) if op in among and op.type not in STOPS]

    def consumers(self, tensor: Any) -> list[Any]:
        """Return the operations that use a tensor, each once."""
        return self._consumers(tensor, self.operations)

    def is_variable(self, tensor: Any) -> bool:
        """Return whether a tensor depends on the leaf."""
        return tensor is self.leaf or (tensor.op in self.operations and is_differentiable(tensor))

    def inputs(self, op: Any) -> list[int]:
        """Return the indices of an operation's variable inputs."""
        return [i for i, tensor in enumerate(op.inputs) if self.is_variable(tensor)]

    def only_consumer(self, tensor: Any) -> Any:
        """Return the operation that is the only use of a tensor, with one variable input; None if there is no such."""
        following = self.consumers(tensor)
        return following[0] if len(following) == 1 and len(self.inputs(following[0])) == 1 else None
