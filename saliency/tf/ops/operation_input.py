"""An operation's input as what scores are differentiated by, through this operation alone."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.tf.ops.graph_traversal import CALLS, between, carries
from saliency.tf.ops.scores import End, gradients_of


def input_of(x: Any, op: Any) -> tuple[Any, Any]:
    """Return an operation's input, the first that comes from the model's, and the operation.

    Raises:
        TargetError: if none does, or the operation stands in a loop of TensorFlow 1, or calls a function.
    """
    if op.type in CALLS:
        raise TargetError(f"`at` ({op.name}) must not be the call of a function; it is a {op.type}")
    before = between(x, [output for output in op.outputs if carries(output)])
    for tensor in op.inputs:
        if carries(tensor) and tensor.dtype != tf.variant and (tensor is x or tensor.op in before):
            if op._get_control_flow_context() is not None:
                raise TargetError(
                    f"`at` ({op.name}) must not be in a loop or condition of TensorFlow 1, which runs many times"
                )
            return tensor, op
    raise TargetError(f"`at` ({op.name}, a {op.type}) must take floats that depend on the model's input; it takes none")


def gradient_through(op: Any, leaf: Any, end: End) -> Any:
    """Return the gradient of scores by a tensor, along the ways that lead through an operation that takes it.

    Args:
        op: the operation.
        leaf: one of its inputs.
        end: of the scores.

    Returns:
        As ``tf.gradients``: None where there is none.
    """
    outputs = [output for output in op.outputs if carries(output)]
    gradients = gradients_of(end, outputs)
    used = [(output, one) for output, one in zip(outputs, gradients, strict=True) if one is not None]
    if not used:
        return None
    ends, given = map(list, zip(*used, strict=True))
    others = [tensor for tensor in op.inputs if tensor is not leaf]
    (gradient,) = tf.gradients(ends, leaf, grad_ys=given, stop_gradients=others)
    return gradient
