"""Differentiate scores with respect to an operation's input, along paths through this operation only."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.tf.ops.graph_traversal import FUNCTION_CALLS, is_differentiable, operations_between
from saliency.tf.ops.scores import BackwardStart, backpropagate


def differentiable_input(x: Any, op: Any) -> tuple[Any, Any]:
    """Return an operation's first input that depends on the model's input, and the operation.

    Raises:
        TargetError: if no input does, or the operation calls a function or is in a loop or condition of TensorFlow 1.
    """
    if op.type in FUNCTION_CALLS:
        raise TargetError(f"`at` ({op.name}, a {op.type}) must not be a function call; name an operation inside the function")
    before = operations_between(x, [output for output in op.outputs if is_differentiable(output)])
    for tensor in op.inputs:
        if is_differentiable(tensor) and tensor.dtype != tf.variant and (tensor is x or tensor.op in before):
            if op._get_control_flow_context() is not None:
                raise TargetError(
                    f"`at` ({op.name}) must not be in a loop or condition of TensorFlow 1, where it may run more than once"
                )
            return tensor, op
    raise TargetError(
        f"`at` ({op.name}, a {op.type}) must have an input of floats that depends on the model's input; it has none"
    )


def gradient_through_operation(op: Any, tensor: Any, start: BackwardStart) -> Any:
    """Return the gradient of scores with respect to an input of an operation, along paths through this operation only.

    Args:
        op: the operation.
        tensor: one of its inputs.
        start: the start of the backward pass from the scores.

    Returns:
        The gradient; None if there is no path, as from ``tf.gradients``.
    """
    outputs = [output for output in op.outputs if is_differentiable(output)]
    gradients = backpropagate(start, outputs)
    pairs = [(output, gradient) for output, gradient in zip(outputs, gradients, strict=True) if gradient is not None]
    if not pairs:
        return None
    outputs, gradients = map(list, zip(*pairs, strict=True))
    other_inputs = [other for other in op.inputs if other is not tensor]
    (gradient,) = tf.gradients(outputs, tensor, grad_ys=gradients, stop_gradients=other_inputs)
    return gradient
