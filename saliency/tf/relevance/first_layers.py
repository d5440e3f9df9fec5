"""Find the layers that the input enters, which may have a rule of their own."""

from collections.abc import Collection
from typing import Any

from saliency.core.errors import ModelError
from saliency.tf.ops.gradient_functions import registered_gradient, sum_like
from saliency.tf.relevance.passing_operations import ARRANGEMENTS
from saliency.tf.relevance.variable_graph import VariableGraph

ELEMENTWISE = {"Mul", "Div", "RealDiv", "Add", "AddV2", "Sub", "Neg", "BiasAdd"}
"""Operations that may normalize the input before it enters a layer, number by number."""

RESHAPES = {"Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "EnsureShape"}
"""Operations that keep the order and the values of an input, so that bounds of the input are bounds of the layer's input."""


def first_layers(graph: VariableGraph, linear: Collection[Any], needs_same_values: bool) -> tuple[set[Any], set[Any]]:
    """Return the linear operations that the input enters, and the operations before them.

    Args:
        graph: the operations between the input and the scores.
        linear: all linear operations.
        needs_same_values: whether the values that enter must be those of the input, in their order.

    Raises:
        ModelError: if the input enters an operation that is no linear one.
    """
    first: set[Any] = set()
    before: set[Any] = set()
    stack = [graph.leaf]
    while stack:
        for op in graph.consumers(stack.pop()):
            if op in linear:
                first.add(op)
            elif op not in before:
                _check_before(op, len(graph.inputs(op)), needs_same_values)
                before.add(op)
                stack += op.outputs
    return first, before


def _check_before(op: Any, inputs: int, needs_same_values: bool) -> None:
    if needs_same_values and op.type not in RESHAPES:
        raise ModelError(
            f"`low` and `high` are bounds of the model's input, but {op.type} ({op.name}) changes it before the first layer, "
            "so they are no bounds of what enters that layer. Normalize inputs before the model, or use another `rule`"
        )
    if op.type not in ARRANGEMENTS and not (op.type in ELEMENTWISE and inputs == 1):
        raise ModelError(
            f"the input enters {op.type} ({op.name}), which is no convolution and no product with weights, so the model has "
            'no first layer with a rule of its own: use a `rule` without one, such as "epsilon-plus"'
        )


def pass_relevance(op: Any, *relevance: Any) -> list[Any]:
    """Pass relevance itself, not multipliers, through an operation before the first layer: scales do not change it."""
    if op.type not in ELEMENTWISE:
        return registered_gradient(op, *relevance)
    return [sum_like(relevance[0], tensor) for tensor in op.inputs]
