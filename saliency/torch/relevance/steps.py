"""How relevance passes each node of an autograd graph."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import torch
from torch.autograd.graph import Node

from saliency.core.lrp_composites import LRPComposite, activation_multipliers, missing_rule
from saliency.core.lrp_rules import damped
from saliency.torch.relevance import node_kinds as kinds
from saliency.torch.relevance.factors import attention_weights, constant_factor
from saliency.torch.relevance.linear_steps import LinearSteps
from saliency.torch.relevance.node_kinds import kind_of
from saliency.torch.relevance.normalizations import pass_norm
from saliency.torch.relevance.recorder import OperatorRecord, OperatorRecorder
from saliency.torch.relu_nodes import find_relus

Multipliers: TypeAlias = Sequence[torch.Tensor | None]


@dataclass(frozen=True)
class Step:
    """How relevance passes a node.

    Args:
        run: a function from the multipliers of the node's outputs to those of its inputs.
        inputs: the inputs that receive relevance.
    """

    run: Callable[[Multipliers], Multipliers]
    inputs: Collection[int]


@dataclass
class Steps:
    """The steps of the nodes between a leaf and scores.

    Args:
        nodes: the nodes.
        recorder: recorded the operators of the pass.
        composite: the rules.
        linear: the steps of linear operations.
        relu_nodes: names of further nodes that are ReLUs.
        opaque: names of nodes that cannot be inspected -> what the user can do.
    """

    nodes: Mapping[Node, None]
    recorder: OperatorRecorder
    composite: LRPComposite
    linear: LinearSteps
    relu_nodes: Collection[str]
    opaque: Mapping[str, str]
    records: Mapping[Node, OperatorRecord] = field(init=False)

    def __post_init__(self) -> None:
        self.records = self.recorder.records

    def of(self, node: Any) -> Step:
        """Return the step of a node.

        Raises:
            ModelError: if there is no rule for it.
        """
        inputs = [i for i, (earlier, _) in enumerate(node.next_functions) if earlier in self.nodes]
        kind, record = kind_of(node), self.records.get(node)
        linear = self.linear.run(node, inputs)
        if linear is not None:
            return Step(linear, inputs)
        if record is not None and record.name in kinds.NORMS | kinds.BATCH_NORMS:
            return Step(_first_input(partial(pass_norm, record)), inputs)
        factors = {len(node.next_functions) - 2, len(node.next_functions) - 1}
        if kind in kinds.PRODUCTS and factors <= set(inputs):
            return self._product(node, kind, inputs, factors)
        if kinds.ATTENTIONS.match(kind):
            return self._attention(node, inputs)
        if record is not None and record.name in kinds.ACTIVATIONS and inputs == [0]:
            x, y = record.args[0].detach(), record.result.detach()
            return Step(_first_input(partial(activation_multipliers, torch, x, y)), inputs)
        if record is not None and record.name in kinds.TWO_TERMS and len(inputs) == 2:
            return Step(partial(_sum, node, record.result.detach(), self.composite.stabilizer), inputs)
        if not self._passes_by_gradient(node, kind, inputs):
            raise missing_rule(node.name(), next((hint for name, hint in self.opaque.items() if name in node.name()), None))
        return Step(partial(_gradient, node), inputs)

    def _passes_by_gradient(self, node: Node, kind: str, inputs: list[int]) -> bool:
        if self.composite.allow_gradient or kind in kinds.PASS_BY_GRADIENT or find_relus([node], self.relu_nodes):
            return True
        if kind == "CopySlices":
            return self.recorder.on_views.get(node, {""}) <= kinds.OVERWRITING
        if kind in kinds.MATRIX_NODES:  # a variable term is added to a product with weights
            return len(node.next_functions) == 3 and 0 in inputs
        return kind == "Mul" or (kind == "Div" and inputs == [0])

    def _product(self, node: Node, kind: str, inputs: list[int], factors: Collection[int]) -> Step:
        """Return the step of a product of two variables: each receives half of the relevance, unless one is constant."""
        constant: int | None
        if kind in kinds.MATRIX_NODES:
            constant = attention_weights(node, self.nodes) if self.composite.attention == "cp" else None
        else:
            constant = constant_factor(node, self.nodes)
        if constant is not None:
            return Step(partial(_gradient, node), [i for i in inputs if i != constant])
        return Step(partial(_scaled_gradient, node, dict.fromkeys(factors, 0.5)), inputs)

    def _attention(self, node: Node, inputs: list[int]) -> Step:
        """Return the step of a fused attention, with the same rules as for its products and its softmax."""
        if self.composite.attention == "cp":
            return Step(partial(_gradient, node), [i for i in inputs if i == 2])
        return Step(partial(_scaled_gradient, node, {0: 0.25, 1: 0.25, 2: 0.5}), inputs)


def _first_input(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Multipliers], Multipliers]:
    """Return the step of a function from the multipliers of the first output to those of the first input."""

    def run(multipliers: Multipliers) -> Multipliers:
        return [None if multipliers[0] is None else function(multipliers[0])]

    return run


def _sum(node: Any, y: torch.Tensor, epsilon: float, multipliers: Multipliers) -> Multipliers:
    """Pass relevance to the terms of a sum by the epsilon rule."""
    (found,) = multipliers
    return _gradient(node, [None if found is None else damped(torch, found, y, epsilon)])


def _gradient(node: Any, multipliers: Multipliers) -> Multipliers:
    gradients = node(*multipliers)
    return gradients if isinstance(gradients, tuple) else (gradients,)


def _scaled_gradient(node: Any, scales: Mapping[int, float], multipliers: Multipliers) -> Multipliers:
    gradients = _gradient(node, multipliers)
    return [None if one is None else one * scales.get(i, 1.0) for i, one in enumerate(gradients)]
