"""Describe the operations of a graph as ``saliency.core.activation_graph`` needs them."""

from collections.abc import Collection, Mapping
from typing import Any

import tensorflow as tf

from saliency.core.activation_graph import ActivationGraph, NodeKind
from saliency.tf.ops.graph_traversal import is_differentiable

SUMS = {"Add", "AddV2", "Sub", "AddN"}
PRODUCTS = {"Mul", "MulNoNan", "RealDiv", "Div", "DivNoNan"}
CHOICES = {"Maximum", "Minimum", "Select", "SelectV2", "ClipByValue"}
SQUASHING = {"Sigmoid"}
VIEWS = {
    "Identity", "EnsureShape", "Cast", "Reshape", "ExpandDims", "Squeeze", "Transpose", "BroadcastTo", "Tile", "StopGradient",
    "ResizeNearestNeighbor", "ResizeBilinear", "PreventGradient",
}  # fmt: skip
POINTWISE = {
    "Abs", "Exp", "Expm1", "Log", "Log1p", "Pow", "Square", "Sqrt", "Rsqrt", "Reciprocal", "Inv", "Sin", "Cos", "Sign", "Erf",
    "Erfc", "Tanh", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign",
}  # fmt: skip


def activation_graph(x: Any, ops: Collection[Any], relus: Collection[Any]) -> ActivationGraph:
    """Return the description of operations.

    Args:
        x: the tensor that the gradient is taken with respect to.
        ops: the operations between it and the scores, and those inside their branches and loop bodies.
        relus: those of them that are ReLUs.
    """
    inputs = {op: _variable_inputs(op, x, ops) for op in ops}
    kinds = {op: _relu_kind(op) if op in relus else _kind(op, inputs[op]) for op in ops}
    return ActivationGraph(inputs, {op: kind for op, kind in kinds.items() if kind is not None})


def _variable_inputs(op: Any, x: Any, ops: Collection[Any]) -> list[tuple[Any, int]]:
    """Return the inputs of an operation that depend on x, or may depend on it, as those of a branch."""
    inputs = [tensor for tensor in op.inputs if is_differentiable(tensor) and (tensor is x or tensor.op in ops)]
    if op.graph is not x.graph:
        inputs = [tensor for tensor in inputs if tf.get_static_value(tensor) is None]
    return [(tensor.op, tensor.value_index) for tensor in inputs]


def _relu_kind(op: Any) -> NodeKind:
    ceiling = 6.0 if op.type == "Relu6" else _number(op.inputs[2]) if op.type == "ClipByValue" else None
    return NodeKind("relu", ceiling)


def _kind(op: Any, inputs: Collection[tuple[Any, int]]) -> NodeKind | None:
    several, constants = (
        len(inputs) > 1,
        [_number(tensor) for tensor in op.inputs if (tensor.op, tensor.value_index) not in inputs],
    )
    constant = constants[0] if len(constants) == 1 else None
    if not inputs:
        return None
    if op.type in SUMS:  # a bias of a layer is not one number
        return NodeKind("sum") if several else NodeKind("shift") if constant is not None else None
    if op.type in (PRODUCTS | CHOICES) and several:
        return NodeKind("combination")
    if op.type == "Neg":
        return NodeKind("scale", -1.0)
    if op.type in ("Mul", "MulNoNan"):
        return NodeKind("scale", constant)
    if op.type in PRODUCTS and (op.inputs[0].op, op.inputs[0].value_index) in inputs:
        return NodeKind("scale", 1 / constant if constant else None)
    if op.type == "Minimum":
        return NodeKind("cap", constant)
    families: Mapping[str, Collection[str]] = {
        "squash": SQUASHING, "view": VIEWS, "pointwise": PRODUCTS | CHOICES | POINTWISE,
    }  # fmt: skip
    return next((NodeKind(kind) for kind, types in families.items() if op.type in types), None)


def _number(tensor: Any) -> float | None:
    """Return a constant that is one number; None for anything else."""
    value = tf.get_static_value(tensor)
    return float(value.reshape(())) if value is not None and value.size == 1 and value.dtype.kind == "f" else None
