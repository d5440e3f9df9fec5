"""Copies of operations with other inputs, and the gradients that TensorFlow registers for operations."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry


def copy_operation(op: Any, inputs: Sequence[Any]) -> Any:
    """Return an operation of the same kind and settings, in the same graph, with other inputs."""
    return op.graph.create_op(
        op.type, inputs, [output.dtype for output in op.outputs], attrs=dict(op.node_def.attr), op_def=op.op_def
    )


def registered_gradient(op: Any, *gradients: Any) -> list[Any]:
    """Return the gradients with respect to the inputs of an operation, by TensorFlow's own function."""
    found = gradient_registry.lookup(op.type)(op, *gradients)
    return list(found) if isinstance(found, list | tuple) else [found]


def sum_like(values: Any, tensor: Any) -> Any:
    """Return values summed over the axes along which a tensor was broadcast to their shape."""
    return tf.gradients(tf.broadcast_to(tensor, tf.shape(values)), tensor, grad_ys=values)[0]
