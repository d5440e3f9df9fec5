"""Find the layers that the input enters, which may have a rule of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.core.errors import ModelError
from saliency.torch.relevance.linear_steps import LinearSteps
from saliency.torch.relevance.node_kinds import ARRANGEMENTS, kind_of

ELEMENTWISE = {"Mul", "Div", "Add", "Sub", "Rsub", "Neg"}
"""Nodes that may normalize the input before it enters a layer, number by number."""

RESHAPES = {"View", "UnsafeView", "Reshape", "ReshapeAlias", "Clone", "ToCopy", "Alias", "Unsqueeze", "Squeeze"}
"""Nodes that keep the order and the values of an input, so that bounds of the input are bounds of the layer's input."""


def first_layers(
    leaf_node: Node,
    consumers: Mapping[Node, Sequence[Node]],
    linear: LinearSteps,
    needs_same_values: bool,
) -> tuple[set[Node], set[Node]]:
    """Return the linear operations that the input enters, and the nodes before them.

    Args:
        leaf_node: of the input.
        consumers: the nodes that use a node's output, for each node between the leaf and the scores.
        linear: returns the linear operation of a node.
        needs_same_values: whether the values that enter must be those of the input, in their order.

    Raises:
        ModelError: if the input enters an operation that is no linear one.
    """
    first: set[Node] = set()
    before = {leaf_node}
    stack = [leaf_node]
    while stack:
        for node in consumers.get(stack.pop(), ()):
            inputs = [i for i, (earlier, _) in enumerate(node.next_functions) if earlier in consumers]
            if linear.operation(node, inputs) is not None:
                first.add(node)
            elif node not in before:
                _check_before(node, inputs, needs_same_values)
                before.add(node)
                stack.append(node)
    return first, before - {leaf_node}


def _check_before(node: Node, inputs: Sequence[int], needs_same_values: bool) -> None:
    kind = kind_of(node)
    if needs_same_values and kind not in RESHAPES:
        raise ModelError(
            f"`low` and `high` are bounds of the model's input, but {node.name()} changes it before the first layer, so they "
            "are no bounds of what enters that layer. Normalize inputs before the model, or use another `rule`"
        )
    if kind not in ARRANGEMENTS and not (kind in ELEMENTWISE and len(inputs) == 1):
        raise ModelError(
            f"the input enters {node.name()}, which is no convolution and no product with weights, so the model has no first "
            'layer with a rule of its own: use a `rule` without one, such as "epsilon-plus"'
        )


def pass_relevance(node: Any, multipliers: Sequence[torch.Tensor | None]) -> Sequence[torch.Tensor | None]:
    """Pass relevance itself, not multipliers, through a node before the first layer: scales and shifts do not change it."""
    gradients, (relevance, *_) = node(*multipliers), multipliers
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    if relevance is None or kind_of(node) not in ELEMENTWISE:
        return gradients
    return [None if one is None else relevance for one in gradients]
