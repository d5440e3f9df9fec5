"""Replace a tensor of a graph by other values, from which all later operations continue."""

from typing import Any

import tensorflow as tf


def replace_tensor(tensor: Any, values: Any, op: Any = None) -> Any:
    """Connect the operations that take a tensor to other values.

    Args:
        tensor: the tensor, of a graph that is being built.
        values: a tensor of the same graph and of the same shape.
        op: the only operation to connect; None connects all.

    Returns:
        The tensor by which to differentiate.
    """
    values = tf.cast(values, tensor.dtype)
    if op is None and tensor.op.type == "Identity":  # also for what reads the tensor itself
        tensor.op._update_input(0, values)
        return tensor
    leaf = tf.identity(values)
    for consumer in tensor.consumers() if op is None else [op]:
        for i, each in enumerate(consumer.inputs):
            if each.name == tensor.name:
                consumer._update_input(i, leaf)
    return leaf
