"""Apply backward rules to the ReLUs of one graph, without changing the model."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from saliency.core.errors import NoReLUError
from saliency.core.relu_rules import PART, call_user_rule, rule_name, warn_of_gates
from saliency.core.types import Rule
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.activation_operations import activation_graph
from saliency.tf.ops.custom_gradients import preserve_gradient_functions
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.graph_traversal import operations_between
from saliency.tf.ops.relu_operations import is_relu, refuse_hidden_relus, relu_input_index, with_control_flow

FUSED_GRADIENTS: dict[str, Callable[..., Any]] = {"Relu": tf.raw_ops.ReluGrad, "Relu6": tf.raw_ops.Relu6Grad}
"""ReLU operations whose gradient TensorFlow computes in one operation."""

OTHER_ACTIVATIONS = {
    "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Erf", "Erfc", "IdentityN", "SelectV2",
}  # fmt: skip
"""Activations of networks without ReLUs, listed in the error."""


@undoable
def apply_relu_rule(
    undo: Undo, info: GraphInfo, x: Any, scores: Any, rule: Rule | None, allow_no_relu: bool, name: str = "the input"
) -> None:
    """Apply a rule to all ReLUs between a tensor and its scores, for gradients that are built within the block.

    Args:
        undo: of the block.
        info: of the graph; it records whether all ReLUs lie in gates.
        x: tensor of the graph.
        scores: tensor of the same graph.
        rule: how the gradient passes a ReLU; None keeps the ordinary gradient.
        allow_no_relu: accept a graph without a ReLU, or with ReLUs in gates only.
        name: the tensor's name in errors.

    Raises:
        NoReLUError: if there is no ReLU.
        ModelError: if a part of the graph may hide ReLUs.
    """
    if rule is None:
        return
    ops = list(with_control_flow(operations_between(x, scores)))
    refuse_hidden_relus(ops, rule_name(rule))
    found = dict.fromkeys(op for op in ops if is_relu(op))
    description = activation_graph(x, dict.fromkeys(ops), found)
    parts = {op for op in found if description.is_part(op)}
    relus = [op for op in found if op not in parts]
    if relus and not allow_no_relu and all(op.graph is x.graph for op in relus):
        info.relus_in_gates = description.lies_in_gates(relus, [scores.op])
    if not relus and not allow_no_relu:
        names = {op.type for op in ops} & OTHER_ACTIVATIONS | {f"{op.type}{PART}" for op in parts}
        activations = ", ".join(sorted(names)) or "none"
        raise NoReLUError(
            f"the model has no ReLU between {name} and the score, so its {rule_name(rule)} gradient would equal the vanilla "
            f"gradient; its activations: {activations}. Use Vanilla, or pass allow_no_relu=True"
        )
    preserve_gradient_functions(undo, relus)
    for op in relus:  # set on the Python object: an attribute would change operations that sessions have run
        op._gradient_function = _gradient_function(rule)


def warn_of_relus_in_gates(info: GraphInfo, rule: Rule | None) -> None:
    """Warn if all ReLUs of a graph lie in gates; call this each time that the graph runs."""
    if rule is not None and info.relus_in_gates:
        warn_of_gates(rule)


def _gradient_function(rule: Rule) -> Callable[[Any, Any], Any]:
    """Return the gradient function of a ReLU under a rule."""
    if isinstance(rule, str):
        return NAMED_RULES[rule]
    return lambda op, gradient: _input_gradients(op, call_user_rule(rule, gradient, op.outputs[0]))


def _guided_gradient(op: Any, gradient: Any) -> Any:
    positive = tf.nn.relu(gradient)
    if op.type in FUSED_GRADIENTS:
        return FUSED_GRADIENTS[op.type](gradients=positive, features=op.outputs[0])
    x = op.inputs[relu_input_index(op)]
    active = (x > 0) & (x < op.inputs[2]) if op.type == "ClipByValue" else x > 0
    return _input_gradients(op, positive * tf.cast(active, x.dtype))


def _rectified_gradient(op: Any, gradient: Any) -> Any:
    return _input_gradients(op, tf.nn.relu(gradient))


def _input_gradients(op: Any, gradient: Any) -> list[Any]:
    """Return the gradients with respect to all inputs of a ReLU: the given one for x, None for the others."""
    return [gradient if i == relu_input_index(op) else None for i in range(len(op.inputs))]


NAMED_RULES: dict[str, Callable[[Any, Any], Any]] = {"guided": _guided_gradient, "rectified": _rectified_gradient}
