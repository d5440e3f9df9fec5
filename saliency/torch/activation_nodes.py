"""Describe the nodes of an autograd graph as ``saliency.core.activation_graph`` needs them."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.utils._python_dispatch import _disable_current_modes

from saliency.core.activation_graph import ActivationGraph, NodeKind

SUMS = {"Add", "Sub", "Rsub"}
SQUASHING = {"Sigmoid", "Hardsigmoid"}
CHOICES = {"Where", "Maximum", "Minimum", "Fmax", "Fmin"}
VIEWS = {
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Permute", "Transpose", "T", "Unsqueeze", "Squeeze", "Alias",
    "Clone", "ToCopy", "UpsampleNearest1D", "UpsampleNearest2D", "UpsampleBilinear2D",
}  # fmt: skip
POINTWISE = {
    "Abs", "Exp", "Exp2", "Expm1", "Log", "Log1P", "Log2", "Log10", "Pow", "Sqrt", "Rsqrt", "Reciprocal", "Sin", "Cos", "Sign",
    "Erf", "Tanh", "Relu", "Hardtanh", "Clamp", "ClampMin", "Threshold", "LeakyRelu", "PreluKernel", "Elu", "Celu", "Selu",
    "Softplus", "LogSigmoid", "Silu", "Gelu", "Mish", "Hardswish", "Hardshrink", "Softshrink",
}  # fmt: skip
"""Names of nodes without ``Backward`` and the number behind it."""


def activation_graph(nodes: Collection[Node], relus: Collection[Node]) -> ActivationGraph:
    """Return the description of the nodes between a leaf and the scores.

    Args:
        nodes: the nodes, with the leaf's own.
        relus: those of them that are ReLUs.
    """
    between = set(nodes)
    inputs = {node: [(one, i) for one, i in node.next_functions if one in between] for node in nodes}
    kinds = {node: _kind(node, len(inputs[node]), node in relus) for node in nodes}
    return ActivationGraph(inputs, {node: kind for node, kind in kinds.items() if kind is not None})


def _kind(node: Any, variable_inputs: int, is_relu: bool) -> NodeKind | None:
    name = re.sub(r"Backward\d*$", "", node.name())
    if is_relu:
        return NodeKind("relu", _saved_number(node, "max_val", "max"))
    if variable_inputs == 0:
        return None
    if name in SUMS:
        return NodeKind("shift" if variable_inputs == 1 else "sum")
    if name in ("Mul", "Div", *CHOICES) and variable_inputs > 1:
        return NodeKind("combination")
    return _kind_with_one_input(node, name)


def _kind_with_one_input(node: Any, name: str) -> NodeKind | None:
    if name == "Neg":
        return NodeKind("scale", -1.0)
    if name == "Mul":
        return NodeKind("scale", _saved_number(node, "other", "self"))
    if name == "Div" and node.next_functions[0][0] is not None:
        divisor = _saved_number(node, "other")
        return NodeKind("scale", 1 / divisor if divisor else None)
    if name in ("Minimum", "Fmin"):
        return NodeKind("cap", _saved_number(node, "other", "self"))
    if name == "ClampMax" or (name == "Clamp" and getattr(node, "_saved_min", None) is None):
        return NodeKind("cap", _saved_number(node, "max"))
    families: Mapping[str, Collection[str]] = {
        "squash": SQUASHING, "view": VIEWS, "pointwise": {"Div", *CHOICES, *POINTWISE},
    }  # fmt: skip
    return next((NodeKind(kind) for kind, names in families.items() if name in names), None)


def _saved_number(node: Any, *names: str) -> float | None:
    """Return the first saved constant of some names that is one number on the host; None if there is none."""
    for name in names:
        try:
            value = getattr(node, f"_saved_{name}", None)
        except RuntimeError:  # the tensor was changed in place, so it is no constant
            continue
        if isinstance(value, torch.Tensor):
            is_number = value.ndim == 0 and not value.requires_grad and value.device.type == "cpu"
            with _disable_current_modes():  # a mode turns such a tensor into a number, which item() refuses
                value = value.item() if is_number else None
        if isinstance(value, int | float):
            return float(value)
    return None
