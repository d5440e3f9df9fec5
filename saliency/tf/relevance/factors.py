"""Which factor of a product counts as constant: gates, divisors and reciprocal standard deviations."""

from typing import Any

import tensorflow as tf

from saliency.tf.relevance.variable_graph import VariableGraph

GATES = {"Sigmoid", "Relu6", "Softmax", "Erfc"}
SCALES = {"Rsqrt", "Reciprocal", "Inv", "Sqrt"}
SHIFTS = {
    "Mul", "Add", "AddV2", "Sub", "Neg", "BiasAdd", "Identity", "Cast", "Reshape", "Transpose", "ExpandDims",
    "Squeeze", "BroadcastTo", "Tile", "Slice", "StridedSlice", "Pack", "Unpack", "ConcatV2", "GatherV2", "Select",
    "SelectV2", "EnsureShape",
}  # fmt: skip
"""Operations that arrange, scale and shift a value, if it is their only variable input."""


def constant_factor(op: Any, graph: VariableGraph) -> int | None:
    """Return the input of a product of two variables that counts as constant; None if relevance is shared.

    A divisor is constant, and so is one factor that is a gate from 0 to 1, or a reciprocal standard deviation or norm.
    """
    if op.type in ("Div", "RealDiv"):
        return 1
    are_constant = [_is_gate(tensor, graph) for tensor in op.inputs]
    return are_constant.index(True) if are_constant.count(True) == 1 else None


def attention_weights(op: Any, graph: VariableGraph) -> int | None:
    """Return the factor of a product of two variable matrices that is the result of a softmax; None if none is."""
    found = [i for i, tensor in enumerate(op.inputs) if origin_of(tensor, graph)[0].type == "Softmax"]
    return found[0] if len(found) == 1 else None


def origin_of(tensor: Any, graph: VariableGraph) -> tuple[Any, bool]:
    """Return the operation that computed a value, before constants scaled and shifted it, and whether 1 was added to it."""
    has_one = False
    while True:
        op, inputs = tensor.op, graph.inputs(tensor.op)
        if tensor is graph.leaf or len(inputs) != 1 or not (op.type in SHIFTS or (op.type == "RealDiv" and inputs == [0])):
            return op, has_one
        has_one = op.type in ("Add", "AddV2") and _is_number(op.inputs[1 - inputs[0]], 1)
        tensor = op.inputs[inputs[0]]


def _is_gate(tensor: Any, graph: VariableGraph) -> bool:
    op, has_one = origin_of(tensor, graph)
    if op.type in ("Erf", "Tanh"):  # 1 + erf, of a GELU that is written out; tanh of a softplus, of Mish
        return has_one or op.inputs[0].op.type == "Softplus"
    if op.type == "ClipByValue":
        return _is_number(op.inputs[1], 0)
    if op.type in ("Maximum", "Minimum"):
        return _is_clipped(op)
    return op.type in GATES | SCALES or (op.type == "Pow" and any(_is_number(op.inputs[1], power) for power in (-0.5, -1)))


def _is_clipped(op: Any) -> bool:
    """Return whether a value is clipped from 0 to a constant, by a minimum and a maximum."""
    inner = next((one.op for one in op.inputs if one.op.type in {"Maximum", "Minimum"} - {op.type}), None)
    if inner is None:
        return False
    bounds = {each.type: [one for one in map(tf.get_static_value, each.inputs) if one is not None] for each in (op, inner)}
    return all(bounds.values()) and bool((bounds["Maximum"][0] == 0).all())


def _is_number(tensor: Any, number: float) -> bool:
    value = tf.get_static_value(tensor)
    return value is not None and bool((value == number).all())
