"""Find the ReLUs of a graph, and refuse operations that may hide some."""

from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from saliency.core.errors import ModelError
from saliency.tf.ops.graph_traversal import called_graphs, control_flow_graphs, operations_between

OPAQUE = {
    "PyFunc": "write the function with TensorFlow operations",
    "EagerPyFunc": "write the function with TensorFlow operations",
    "PyFuncStateless": "write the function with TensorFlow operations",
    "XlaCallModule": "pass the model as it was before it was compiled or exported from JAX",
}
"""Operations that hide their computation, and the user's remedy."""


def is_relu(op: Any) -> bool:
    """Tell whether an operation computes max(x, 0), with or without a ceiling; see ``core.relu_rules``."""
    if op.type == "LeakyRelu":
        return float(op.get_attr("alpha")) == 0
    if op.type == "ClipByValue":
        return _is_zero(op.inputs[1])
    return op.type in ("Relu", "Relu6") or (op.type == "Maximum" and any(map(_is_zero, op.inputs)))


def relu_input_index(op: Any) -> int:
    """Return the index of x among a ReLU's inputs."""
    return int(op.type == "Maximum" and _is_zero(op.inputs[0]))


def _is_constant(number: float, tensor: Any) -> bool:
    value = tf.get_static_value(tensor)
    return value is not None and bool((value == number).all())


def _is_zero(tensor: Any) -> bool:
    return _is_constant(0, tensor)


def with_control_flow(ops: Iterable[Any]) -> Iterator[Any]:
    """Yield operations, and those inside their branches and loop bodies."""
    for op in ops:
        yield op
        for graph in control_flow_graphs(op):
            yield from with_control_flow(graph.get_operations())


def _called_operations(op: Any) -> Iterator[Any]:
    """Yield the operations of the functions that an operation calls, at any depth."""
    for graph in called_graphs(op):
        for inner in with_control_flow(graph.get_operations()):
            yield inner
            yield from _called_operations(inner)


def _custom_gradient_ends(op: Any) -> tuple[list[Any], list[Any]]:
    """Return the inputs and the outputs of a function with a custom gradient.

    Its ``IdentityN`` operation takes both; only the outputs are used by later operations.
    """
    used = [bool(output.consumers()) for output in op.outputs]
    inputs = [tensor for tensor, is_used in zip(op.inputs, used, strict=True) if not is_used]
    return inputs, [tensor for tensor, is_used in zip(op.inputs, used, strict=True) if is_used]


def refuse_hidden_relus(ops: Iterable[Any], rule: str) -> None:
    """Refuse operations that hide ReLUs from a backward rule, or may hide some.

    Args:
        ops: the operations between the differentiated tensor and the scores.
        rule: the rule's name in errors.

    Raises:
        ModelError: if there is such an operation.
    """
    for op in ops:
        if op.type in OPAQUE:
            raise ModelError(f"the {rule} gradient can't reach ReLUs inside a {op.type} ({op.name}): {OPAQUE[op.type]}")
        if any(is_relu(inner) or inner.type in OPAQUE for inner in _called_operations(op)):
            raise ModelError(
                f"the {rule} gradient can't reach the ReLUs inside a function that the model calls ({op.name}): pass the "
                "model, its SavedModel's folder or the function itself to saliency.wrap"
            )
        if op.type == "IdentityN" and any(is_relu(inner) for inner in operations_between(*_custom_gradient_ends(op))):
            raise ModelError(
                f"the {rule} gradient can't reach the ReLUs inside a function with a custom gradient ({op.name}: "
                "tf.custom_gradient or tf.recompute_grad): pass the model without the custom gradient"
            )
