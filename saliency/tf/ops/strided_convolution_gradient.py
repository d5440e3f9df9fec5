"""Differentiate a network's strided input convolution faster than TensorFlow does on a CPU."""

from typing import Any

import tensorflow as tf

from saliency.core.numerics.strided_convolution_gradient import phase_gradient_is_faster
from saliency.core.undo import Undo, undoable
from saliency.tf.ops.custom_gradients import preserve_gradient_functions
from saliency.tf.ops.graph_traversal import operations_between


@undoable
def use_fast_convolution_gradients(undo: Undo, leaf: Any, scores: Any) -> None:
    """Use ``convolution_input_gradient`` where it is faster, for gradients that are built within the block.

    Args:
        undo: of the block.
        leaf: tensor of a graph.
        scores: tensor of the same graph.
    """
    convolutions = [op for op in operations_between(leaf, scores) if op._gradient_function is None and has_fast_gradient(op)]
    preserve_gradient_functions(undo, convolutions)
    for op in convolutions:  # set on the Python object, as the rules of ReLUs are
        op._gradient_function = fast_convolution_gradients


def has_fast_gradient(op: Any) -> bool:
    """Return whether ``fast_convolution_gradients`` differentiates an operation faster than TensorFlow does."""
    if op.type != "Conv2D":
        return False
    (_, *size, channels), kernel = op.inputs[0].shape, op.inputs[1].shape
    if op.get_attr("data_format") != b"NHWC" or list(op.get_attr("dilations")) != [1, 1, 1, 1] or None in size:
        return False
    if "GPU" in op.device or tf.config.list_physical_devices("GPU") or channels != kernel[2]:  # a grouped convolution
        return False
    return phase_gradient_is_faster(channels, kernel[:2], op.get_attr("strides")[1:3])


def fast_convolution_gradients(op: Any, upstream: Any) -> list[Any]:
    """Return the gradients with respect to the input and the weights. Those of unused weights are built, but do not run."""
    x, weights = op.inputs
    settings = {name: op.get_attr(name) for name in ("strides", "explicit_paddings", "data_format", "dilations")}
    settings |= {"padding": op.get_attr("padding").decode()}
    weight_gradient = tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=tf.shape(weights), out_backprop=upstream, **settings
    )
    strides = settings["strides"][1:3]
    return [convolution_input_gradient(upstream, weights, strides, _padding_before(op), x.shape[1:3]), weight_gradient]


def _padding_before(op: Any) -> list[int]:
    """Return the numbers of padded rows above and columns to the left of the input."""
    kind, strides = op.get_attr("padding"), op.get_attr("strides")[1:3]
    if kind == b"EXPLICIT":
        return [int(rows) for rows in op.get_attr("explicit_paddings")[2:6:2]]
    if kind == b"VALID":
        return [0, 0]
    axes = zip(op.inputs[0].shape[1:3], op.inputs[1].shape[:2], strides, op.outputs[0].shape[1:3], strict=True)
    return [max(0, (outputs - 1) * stride + kernel - size) // 2 for size, kernel, stride, outputs in axes]


def convolution_input_gradient(upstream: Any, weights: Any, stride: Any, padding: Any, size: Any) -> Any:
    """Differentiate a convolution with respect to its input, by one unstrided convolution for all phases of the stride.

    Args:
        upstream: gradient with respect to the convolution's output, (N, rows, columns, filters).
        weights: (height, width, channels, filters).
        stride: of the convolution, vertical and horizontal.
        padding: numbers of padded rows above the input, and of padded columns to the left.
        size: of the input, (height, width).

    Returns:
        (N, *size, channels).

    Source:
        Shi et al., Is the deconvolution layer the same as a convolutional layer?, arXiv:1609.07009.
    """
    (sy, sx), (kernel_y, kernel_x, channels, filters) = stride, weights.shape
    ky, kx = -(-kernel_y // sy), -(-kernel_x // sx)
    padded = tf.pad(weights, [[0, ky * sy - kernel_y], [0, kx * sx - kernel_x], [0, 0], [0, 0]])
    kernels = tf.reverse(tf.reshape(padded, (ky, sy, kx, sx, channels, filters)), [0, 2])
    kernels = tf.reshape(tf.transpose(kernels, (0, 2, 5, 1, 3, 4)), (ky, kx, filters, sy * sx * channels))
    phases = tf.nn.conv2d(upstream, kernels, 1, [[0, 0], [ky - 1, ky - 1], [kx - 1, kx - 1], [0, 0]])
    rows, columns = phases.shape[1:3]
    interleaved = tf.transpose(tf.reshape(phases, (-1, rows, columns, sy, sx, channels)), (0, 1, 3, 2, 4, 5))
    gradient = tf.reshape(interleaved, (-1, rows * sy, columns * sx, channels))  # starts at the padding's first row and column
    (top, left), (height, width) = padding, size
    missing = [max(0, top + height - rows * sy), max(0, left + width - columns * sx)]
    gradient = tf.pad(gradient, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])
    return gradient[:, top : top + height, left : left + width]
