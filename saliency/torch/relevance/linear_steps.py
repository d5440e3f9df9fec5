"""How relevance passes linear operations and the batch norms behind them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch.autograd.graph import Node

from saliency.core.lrp_composites import LRPComposite, checked_multipliers
from saliency.core.lrp_first_layer import FirstLayerRule
from saliency.core.lrp_rules import damped
from saliency.torch.relevance import node_kinds as kinds
from saliency.torch.relevance.convolutions import Convolution
from saliency.torch.relevance.following_terms import ARRANGING, with_following_terms
from saliency.torch.relevance.linear_operations import Linear, linear_operation
from saliency.torch.relevance.node_kinds import kind_of
from saliency.torch.relevance.normalizations import batch_norm_scale, per_channel
from saliency.torch.relevance.recorder import OperatorRecord
from saliency.torch.relevance.signed_weights import WeightBuffers

Multipliers: TypeAlias = Sequence[torch.Tensor | None]


class LinearSteps:
    """The steps of convolutions, matrix products with weights, and batch norms with running statistics.

    A bias or a batch norm that is the only use of a linear operation is computed as a part of it. Other batch norms have the
    epsilon rule.

    Args:
        consumers: the nodes that use a node's output, among those between the leaf and the scores.
        records: the recorded operators by node.
        composite: the rules.

    Attributes:
        first: the rules of the layers that the input enters, if they have rules of their own.
    """

    def __init__(
        self,
        consumers: Mapping[Node, Sequence[Node]],
        records: Mapping[Node, OperatorRecord],
        composite: LRPComposite,
    ) -> None:
        self._records, self._composite = records, composite
        self.first: Mapping[Node, FirstLayerRule] = {}
        self.operations: dict[Node, Linear] = {}
        self._passed: set[Node] = set()
        buffers = WeightBuffers()
        for node in consumers:
            inputs = [i for i, (earlier, _) in enumerate(node.next_functions) if earlier in consumers]
            operation = linear_operation(node, records.get(node), inputs, buffers)
            if operation is not None:
                self.operations[node], passed = with_following_terms(operation, node, consumers, records)
                self._passed.update(passed)

    def run(self, node: Node, inputs: Sequence[int]) -> Callable[[Multipliers], Multipliers] | None:
        """Return the function from a node's multipliers to those of its inputs; None if it is no such operation."""
        record = self._records.get(node)
        if node in self.operations:
            return partial(self._linear, node, self.operations[node], inputs[0])
        if node in self._passed and kind_of(node) not in ARRANGING:  # the linear operation passes them
            return lambda multipliers: [*[None] * inputs[0], multipliers[0]]
        if record is not None and record.name in kinds.BATCH_NORMS and list(inputs) == [0]:
            return self._batch_norm(record)
        return None

    def _batch_norm(self, record: OperatorRecord) -> Callable[[Multipliers], Multipliers] | None:
        scale_and_shift = batch_norm_scale(record)
        if scale_and_shift is None:
            return None
        scale, epsilon = scale_and_shift[0], self._composite.stabilizer

        def run(multipliers: Multipliers) -> Multipliers:
            found, y = multipliers[0], record.result.detach()
            if found is None:
                return [None]
            return [damped(torch, found, y, epsilon) * per_channel(scale, y)]

        return run

    def _linear(self, node: Node, operation: Any, index: int, multipliers: Multipliers) -> Multipliers:
        found = multipliers[0]
        if found is None:
            return []
        is_vector = found.ndim < operation.y.ndim  # of a product with a vector
        found = found[:, None] if is_vector else found
        rule: Any = self._composite.rules[0 if isinstance(operation, Convolution) else 1]
        if node in self.first:
            rule = self.first[node]
            passed = rule.relevance(operation, found * operation.y)
        else:
            passed = rule.multipliers(operation, found)
        passed = checked_multipliers(rule, passed, operation.x)
        return [*[None] * index, passed[:, 0] if is_vector else passed]
