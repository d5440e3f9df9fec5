"""Find the layers that the input enters, which may have a rule of their own."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import Node

from saliency.core.errors import ModelError
from saliency.core.lrp_first_layer import Box, FirstLayerRule
from saliency.torch.relevance.node_kinds import ARRANGEMENTS, TRANSPOSITIONS, axis_order, kind_of

ELEMENTWISE = {"Mul", "Div", "Add", "Sub", "Rsub", "Neg"}
"""Nodes that may normalize the input before it enters a layer, number by number."""

RESHAPES = {"View", "UnsafeView", "Reshape", "ReshapeAlias", "Clone", "ToCopy", "Alias", "Unsqueeze", "Squeeze"}
"""Nodes that keep the order and the values of an input, so that bounds of the input are bounds of the layer's input."""


def first_layers(
    leaf_node: Node,
    consumers: Mapping[Node, Sequence[Node]],
    linear: Collection[Node],
    rule: FirstLayerRule,
) -> tuple[dict[Node, FirstLayerRule], set[Node]]:
    """Return the rules of the linear operations that the input enters, and the nodes before them.

    Args:
        leaf_node: of the input.
        consumers: the nodes that use a node's output, for each node between the leaf and the scores.
        linear: the nodes of linear operations.
        rule: of the first layer, for the input as the model receives it.

    Raises:
        ModelError: if the input enters an operation that is no linear one.
    """
    first: dict[Node, FirstLayerRule] = {}
    rules = {leaf_node: rule}
    stack = [leaf_node]
    while stack:
        earlier = stack.pop()
        for node in consumers.get(earlier, ()):
            if node in linear:
                first[node] = rules[earlier]
            elif node not in rules:
                _check_before(node, sum(one in consumers for one, _ in node.next_functions), rule.needs_input_values)
                rules[node] = _behind(node, rules[earlier])
                stack.append(node)
    return first, set(rules) - {leaf_node}


def _behind(node: Any, rule: FirstLayerRule) -> FirstLayerRule:
    """Return the rule for an input behind a node: its bounds are arranged as the input is."""
    if not isinstance(rule, Box) or kind_of(node) not in TRANSPOSITIONS:
        return rule
    order = axis_order(node, rule.low.ndim)
    return Box(rule.low.permute(order), rule.high.permute(order))


def _check_before(node: Node, inputs: int, needs_same_values: bool) -> None:
    kind = kind_of(node)
    if needs_same_values and kind not in {*RESHAPES, *TRANSPOSITIONS}:
        raise ModelError(
            f"`low` and `high` are bounds of the model's input, but {node.name()} changes it before the first layer, so they "
            "are no bounds of what enters that layer. Normalize inputs before the model, or use another `rule`"
        )
    if kind not in ARRANGEMENTS and not (kind in ELEMENTWISE and inputs == 1):
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
