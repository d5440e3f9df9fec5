"""The logits in front of a model's last softmax or sigmoid, found in its graph."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from saliency.core.errors import LogitWarning
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.warnings import warn
from saliency.tf.ops.graph_traversal import bodies, carries

SQUASHING = {"Softmax", "LogSoftmax", "Sigmoid"}

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")

RESHAPING: dict[str, Callable[[Any, Any], Any]] = {
    "Identity": lambda _op, x: x,
    "StopGradient": lambda _op, x: x,
    "EnsureShape": lambda _op, x: x,
    "CheckNumerics": lambda _op, x: x,
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

MIXING = {
    "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv2D", "Conv3D", "DepthwiseConv2dNative",
    "Conv2DBackpropInput", "Conv3DBackpropInputV2", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Tanh", "Softplus",
    "Placeholder",
}  # fmt: skip
"""Operations that make something new of a probability, which is no end of the model then."""


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


def tell(notes: Mapping[str, Any]) -> None:
    """Warn of hidden logits each time that a graph is asked, whose notes say so since it was built."""
    if notes.get("hidden"):
        warn(LOGITS_NOT_FOUND, LogitWarning)


def _squashed(tensor: Any) -> Any:
    """Return what went into the softmax or sigmoid that made a tensor; None if none did."""
    op = tensor.op
    if op.type in SQUASHING:
        return op.inputs[0]
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus" and op.inputs[0].op.inputs[0].op.type == "Neg":
        return op.inputs[0].op.inputs[0].op.inputs[0]  # tf.math.log_sigmoid
    return None


def _hidden(tensor: Any, known: dict[Any, bool] | None = None) -> bool:
    """Tell whether all that a tensor was made of, by arithmetic, in branches and loops, came out of a softmax or sigmoid."""
    known = {} if known is None else known
    op = tensor.op
    if op not in known:
        known[op] = False  # should it lead to itself
        inside = [graph.outputs[tensor.value_index] for graph in bodies(op) if tensor.value_index < len(graph.outputs)]
        sources = [] if inside or op.type in MIXING else _sources(op)
        known[op] = (
            _squashed(tensor) is not None
            or any(_hidden(one, known) for one in inside)
            or (bool(sources) and all(_hidden(one, known) for one in sources))
        )
    return known[op]


def _sources(op: Any) -> list[Any]:
    """Return the tensors of floats, or lists of them, that an operation makes its result of."""
    if op.type == "TensorListSetItem":
        return [op.inputs[2]]
    return [one for one in op.inputs if carries(one) and tf.get_static_value(one) is None]
