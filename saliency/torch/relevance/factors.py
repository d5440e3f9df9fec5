"""Which factor of a product counts as constant: gates, divisors and reciprocal standard deviations."""

from collections.abc import Collection
from typing import Any

from torch.autograd.graph import Node

from saliency.torch.relevance.node_kinds import ARRANGEMENTS, kind_of

GATES = {"Sigmoid", "Hardsigmoid", "Softmax"}
SCALES = {"Rsqrt", "Reciprocal", "Sqrt", "LinalgVectorNorm", "Norm", "Std", "Var"}
BOUNDS = {"Hardtanh": ("min_val", "max_val"), "Clamp": ("min", "max")}
SHIFTS = {*ARRANGEMENTS, "Mul", "Add", "Sub", "Rsub", "Neg", "NativeDropout", "FeatureDropout", "MaskedFill"}
"""Nodes that arrange, scale and shift a value, if it is their only variable input."""


def constant_factor(node: Node, between: Collection[Node]) -> int | None:
    """Return the input of a product of two variables that counts as constant; None if relevance is shared.

    A divisor is constant, and so is one factor that is a gate from 0 to 1, or a reciprocal standard deviation or norm.

    Args:
        node: of the product.
        between: the nodes between the leaf and the scores.
    """
    if kind_of(node) == "Div":
        return 1
    are_constant = [_is_gate(earlier, between) for earlier, _ in node.next_functions]
    return are_constant.index(True) if are_constant.count(True) == 1 else None


def attention_weights(node: Node, between: Collection[Node]) -> int | None:
    """Return the factor of a product of two variable matrices that is the result of a softmax; None if none is."""
    first = len(node.next_functions) - 2  # the first of three inputs is a term that is added
    found = [first + i for i in (0, 1) if kind_of(origin_of(node.next_functions[first + i][0], between)) == "Softmax"]
    return found[0] if len(found) == 1 else None


def origin_of(node: Any, between: Collection[Node]) -> Any:
    """Return the node that computed a value, before it was arranged, dropped out, or scaled and shifted by constants."""
    while True:
        kind = kind_of(node)
        earlier = [(i, one) for i, (one, _) in enumerate(node.next_functions) if one in between]
        if len(earlier) != 1 or not (kind in SHIFTS or (kind == "Div" and earlier[0][0] == 0)):
            return node
        node = earlier[0][1]


def _is_gate(node: Any, between: Collection[Node]) -> bool:
    origin = origin_of(node, between)
    kind = kind_of(origin)
    if kind in BOUNDS:  # a hard sigmoid, written out
        low, high = (getattr(origin, f"_saved_{name}", None) for name in BOUNDS[kind])
        return isinstance(low, int | float) and low == 0 and isinstance(high, int | float)
    return kind in GATES or kind in SCALES or (kind == "Pow" and getattr(origin, "_saved_exponent", 1) in (-0.5, -1))
