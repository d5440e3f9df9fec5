"""Find the logits in front of a model's last softmax or sigmoid, in its graph."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from saliency.core.errors import LogitWarning
from saliency.core.score_reading import LOGITS_NOT_FOUND
from saliency.core.warnings import warn
from saliency.tf.ops.graph_info import GraphInfo
from saliency.tf.ops.graph_traversal import control_flow_graphs, is_differentiable

SQUASHING = {"Softmax", "LogSoftmax", "Sigmoid"}

SLICE_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")

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
        input=x,
        begin=op.inputs[1],
        end=op.inputs[2],
        strides=op.inputs[3],
        **{mask: op.get_attr(mask) for mask in SLICE_MASKS},
    ),
}
"""Operations that only rearrange a tensor, and functions that apply them to another one."""

NON_FINAL = {
    "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv2D", "Conv3D", "DepthwiseConv2dNative",
    "Conv2DBackpropInput", "Conv3DBackpropInputV2", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Tanh", "Softplus",
    "Placeholder",
}  # fmt: skip
"""Operations that compute new features: a softmax or sigmoid in front of one is not the end of the model."""


def find_logits(output: Any) -> tuple[Any, bool]:
    """Return the logits of an output.

    Args:
        output: a tensor of a graph.

    Returns:
        The input of the last softmax or sigmoid, or the output itself if there is none; and whether arithmetic hides a
        softmax or sigmoid.
    """
    rearrangements, tensor = [], output
    while tensor.op.type in RESHAPING:
        rearrangements.append(tensor.op)
        tensor = tensor.op.inputs[0]
    logits = _squashed_input(tensor)
    if logits is None:
        return output, _hides_logits(tensor)
    for op in reversed(rearrangements):
        logits = RESHAPING[op.type](op, logits)
    return logits, False


def warn_of_hidden_logits(info: GraphInfo) -> None:
    """Warn if a graph hides its logits; call this each time that the graph runs."""
    if info.hidden_logits:
        warn(LOGITS_NOT_FOUND, LogitWarning)


def _squashed_input(tensor: Any) -> Any:
    """Return the input of the softmax or sigmoid that outputs a tensor; None if another operation does."""
    op = tensor.op
    if op.type in SQUASHING:
        return op.inputs[0]
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus" and op.inputs[0].op.inputs[0].op.type == "Neg":
        return op.inputs[0].op.inputs[0].op.inputs[0]  # tf.math.log_sigmoid
    return None


def _hides_logits(tensor: Any, results: dict[Any, bool] | None = None) -> bool:
    """Tell whether a tensor is computed, by arithmetic, branches and loops, from softmax or sigmoid outputs alone."""
    results = {} if results is None else results
    op = tensor.op
    if op not in results:
        results[op] = False  # for a cycle
        index = tensor.value_index
        inner = [graph.outputs[index] for graph in control_flow_graphs(op) if index < len(graph.outputs)]
        sources = [] if inner or op.type in NON_FINAL else _variable_inputs(op)
        results[op] = (
            _squashed_input(tensor) is not None
            or any(_hides_logits(output, results) for output in inner)
            or (bool(sources) and all(_hides_logits(source, results) for source in sources))
        )
    return results[op]


def _variable_inputs(op: Any) -> list[Any]:
    """Return an operation's inputs of floats, or of lists of them, that are not constant."""
    if op.type == "TensorListSetItem":
        return [op.inputs[2]]
    return [tensor for tensor in op.inputs if is_differentiable(tensor) and tf.get_static_value(tensor) is None]
