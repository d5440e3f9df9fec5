"""How relevance passes linear operations and the batch norms behind them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch.autograd.graph import Node

from saliency.core.lrp_composites import LRPComposite, checked_multipliers
from saliency.core.lrp_rules import stable_ratio
from saliency.torch.relevance import node_kinds as kinds
from saliency.torch.relevance.linear_operations import Convolution, MatrixProduct
from saliency.torch.relevance.normalizations import batch_norm_scale, per_channel
from saliency.torch.relevance.recorder import OperatorRecord

Multipliers: TypeAlias = Sequence[torch.Tensor | None]


class LinearSteps:
    """The steps of convolutions, matrix products with weights, and batch norms with running statistics.

    A batch norm that is the only use of a linear operation is computed as a part of it. Others have the epsilon rule.

    Args:
        consumers: the nodes that use a node's output, among those between the leaf and the scores.
        records: the recorded operators by node.
        composite: the rules.

    Attributes:
        first: the nodes of the layers that the input enters, if they have a rule of their own.
    """

    def __init__(
        self,
        consumers: Mapping[Node, Sequence[Node]],
        records: Mapping[Node, OperatorRecord],
        composite: LRPComposite,
    ) -> None:
        self._consumers, self._records, self._composite = consumers, records, composite
        self.first: Collection[Node] = ()

    def run(self, node: Node, inputs: Sequence[int]) -> Callable[[Multipliers], Multipliers] | None:
        """Return the function from a node's multipliers to those of its inputs; None if it is no such operation."""
        record = self._records.get(node)
        if record is not None and record.name in kinds.BATCH_NORMS and list(inputs) == [0]:
            return self._batch_norm(node, record)
        operation = self.operation(node, inputs)
        return None if operation is None else partial(self._linear, node, operation, inputs[0])

    def operation(self, node: Node, inputs: Sequence[int]) -> Convolution | MatrixProduct | None:
        """Return the linear operation of a node, with the batch norm behind it; None if it is none."""
        operation = linear_operation(node, self._records.get(node), inputs)
        if operation is None:
            return None
        norm = self._norm_behind(node)
        scale = None if norm is None else batch_norm_scale(self._records[norm])
        if norm is not None and scale is not None and operation.takes_scales:
            operation, node = operation.with_scale(*scale, self._records[norm].result.detach()), norm
        following = self._consumers.get(node, ())
        operation.is_rectified = len(following) == 1 and following[0].name() == "ReluBackward0"
        return operation

    def _norm_behind(self, node: Node | None) -> Node | None:
        """Return the batch norm that is the only use of a node's output, on the same channel axis; None if there is none."""
        following = () if node is None else self._consumers.get(node, ())
        record = self._records.get(following[0]) if len(following) == 1 else None
        is_norm = record is not None and record.name in kinds.BATCH_NORMS and following[0].next_functions[0][0] is node
        return following[0] if is_norm else None

    def _batch_norm(self, node: Node, record: OperatorRecord) -> Callable[[Multipliers], Multipliers] | None:
        scale_and_shift = batch_norm_scale(record)
        if scale_and_shift is None:
            return None
        earlier = node.next_functions[0][0]
        operation = None if earlier is None else linear_operation(earlier, self._records.get(earlier), [0])
        if operation is not None and operation.takes_scales and self._norm_behind(earlier) is node:
            return lambda multipliers: [multipliers[0]]  # the linear operation passes them
        scale, epsilon = scale_and_shift[0], self._composite.stabilizer

        def run(multipliers: Multipliers) -> Multipliers:
            found, y = multipliers[0], record.result.detach()
            if found is None:
                return [None]
            return [found * per_channel(scale, y) * stable_ratio(torch, y, epsilon)]

        return run

    def _linear(self, node: Node, operation: Any, index: int, multipliers: Multipliers) -> Multipliers:
        found = multipliers[0]
        if found is None:
            return []
        is_vector = found.ndim < operation.y.ndim  # of a product with a vector
        found = found[:, None] if is_vector else found
        rule: Any = self._composite.rules[0 if isinstance(operation, Convolution) else 1]
        if node in self.first:
            rule = self._composite.first
            passed = rule.relevance(operation, found * operation.y)
        else:
            passed = rule.multipliers(operation, found)
        passed = checked_multipliers(rule, passed, operation.x)
        return [*[None] * index, passed]


def linear_operation(node: Node, record: OperatorRecord | None, inputs: Sequence[int]) -> Convolution | MatrixProduct | None:
    """Return the linear operation of a node with one variable input; None if it is none."""
    if record is None or len(inputs) != 1:
        return None
    if record.name in kinds.CONVOLUTIONS and inputs[0] == 0:
        return Convolution.of(record)
    if record.name in kinds.MATRIX_PRODUCTS and inputs[0] >= len(node.next_functions) - 2:
        return MatrixProduct.of(record, weight_first=inputs[0] == len(node.next_functions) - 1)
    return None
