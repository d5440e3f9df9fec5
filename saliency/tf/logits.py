"""The logits in front of a model's last softmax or sigmoid, found in its graph."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

SQUASHING = {"Softmax", "LogSoftmax", "Sigmoid"}

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")

RESHAPING: dict[str, Callable[[Any, Any], Any]] = {
    "Identity": lambda _op, x: x,
    "StopGradient": lambda _op, x: x,
    "Cast": lambda _op, x: x,  # the logits keep their own precision
    "Reshape": lambda op, x: tf.reshape(x, op.inputs[1]),
    "Squeeze": lambda op, x: tf.squeeze(x, op.get_attr("squeeze_dims") or None),
    "ExpandDims": lambda op, x: tf.expand_dims(x, op.inputs[1]),
    "Transpose": lambda op, x: tf.transpose(x, op.inputs[1]),
    "StridedSlice": lambda op, x: tf.raw_ops.StridedSlice(
        input=x, begin=op.inputs[1], end=op.inputs[2], strides=op.inputs[3], **{mask: op.get_attr(mask) for mask in MASKS}
    ),
}
"""What an operation does to a tensor that only stands elsewhere afterwards."""

ELEMENTWISE = {"Add", "AddV2", "BiasAdd", "Clip", "ClipByValue", "ConcatV2", "Exp", "GatherV2", "Log", "Maximum", "Minimum",
               "Mul", "Neg", "Pack", "RealDiv", "Split", "Sub"}  # fmt: skip


def logits_of(output: Any) -> tuple[Any, bool]:
    """Return the logits of an output.

    Args:
        output: a tensor of a graph.

    Returns:
        What went into the softmax or sigmoid that made it, or the output itself where none did; and whether arithmetic hides
        one.
    """
    steps, tensor = [], output
    while tensor.op.type in RESHAPING:
        steps.append(tensor.op)
        tensor = tensor.op.inputs[0]
    source = _squashed(tensor)
    if source is None:
        return output, _hidden(tensor)
    for op in reversed(steps):
        source = RESHAPING[op.type](op, source)
    return source, False


def _squashed(tensor: Any) -> Any:
    """Return what went into the softmax or sigmoid that made a tensor; None if none did."""
    op = tensor.op
    if op.type in SQUASHING:
        return op.inputs[0]
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus" and op.inputs[0].op.inputs[0].op.type == "Neg":
        return op.inputs[0].op.inputs[0].op.inputs[0]  # tf.math.log_sigmoid
    return None


def _hidden(tensor: Any) -> bool:
    """Tell whether arithmetic on one tensor leads from a softmax or sigmoid to this one."""
    while tensor.op.type in ELEMENTWISE or tensor.op.type in RESHAPING:
        made = [one for one in tensor.op.inputs if tf.get_static_value(one) is None and one.dtype.is_floating]
        if len(made) != 1 and tensor.op.type not in ("ConcatV2", "Pack"):
            return False
        tensor = made[0] if made else tensor.op.inputs[0]
        if not made:
            return False
        if _squashed(tensor) is not None:
            return True
    return False
