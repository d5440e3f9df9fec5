"""The strided convolution that a picture enters a network by, differentiated faster than TensorFlow does it on a processor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from saliency.core.numerics.strided_convolution import phase_gradient_is_faster
from saliency.tf.ops.graph_traversal import between


@contextmanager
def fast_entrance(leaf: Any, scores: Any) -> Iterator[None]:
    """Let gradients that are built within the block pass the convolutions of few channels as ``by_input`` does.

    Args:
        leaf: tensor of a graph.
        scores: tensor of the same graph.
    """
    found = [op for op in between(leaf, scores) if op.type == "Conv2D" and _pays(op)]
    before = {op: op._gradient_function for op in found}
    try:
        for op in found:  # of the Python object, as rules of ReLUs are
            op._gradient_function = _gradient
        yield
    finally:
        for op, function in before.items():
            op._gradient_function = function


def _pays(op: Any) -> bool:
    (_, *size, channels), kernel = op.inputs[0].shape, op.inputs[1].shape
    if op.get_attr("data_format") != b"NHWC" or list(op.get_attr("dilations")) != [1, 1, 1, 1] or None in size:
        return False
    if "GPU" in op.device or tf.config.list_physical_devices("GPU") or channels != kernel[2]:  # otherwise in groups
        return False
    return phase_gradient_is_faster(channels, kernel[:2], op.get_attr("strides")[1:3])


def _gradient(op: Any, outwards: Any) -> list[Any]:
    """Return the gradients by the convolution's input and weights; the latter are built, and run where they are used."""
    x, weights = op.inputs
    settings = {name: op.get_attr(name) for name in ("strides", "explicit_paddings", "data_format", "dilations")}
    settings |= {"padding": op.get_attr("padding").decode()}
    by_weights = tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=tf.shape(weights), out_backprop=outwards, **settings)
    return [by_input(outwards, weights, settings["strides"][1:3], _padding(op), x.shape[1:3]), by_weights]


def _padding(op: Any) -> list[int]:
    """Return the rows above and the columns to the left of the picture."""
    kind, strides = op.get_attr("padding"), op.get_attr("strides")[1:3]
    if kind == b"EXPLICIT":
        return [int(rows) for rows in op.get_attr("explicit_paddings")[2:6:2]]
    if kind == b"VALID":
        return [0, 0]
    sides = zip(op.inputs[0].shape[1:3], op.inputs[1].shape[:2], strides, op.outputs[0].shape[1:3], strict=True)
    return [max(0, (steps - 1) * stride + taps - size) // 2 for size, taps, stride, steps in sides]


def by_input(outwards: Any, weights: Any, stride: Any, padding: Any, size: Any) -> Any:
    """Differentiate a convolution by its input, as one convolution without a stride that gives all phases of the stride.

    Args:
        outwards: gradient by the convolution's output, (N, rows, columns, filters).
        weights: (height, width, channels, filters).
        stride: of the convolution, down and across.
        padding: rows above its input, and columns to the left.
        size: of its input, (height, width).

    Returns:
        (N, *size, channels).

    Source:
        Shi et al., Is the deconvolution layer the same as a convolutional layer?, arXiv:1609.07009.
    """
    (sy, sx), (taps_y, taps_x, channels, filters) = stride, weights.shape
    ky, kx = -(-taps_y // sy), -(-taps_x // sx)
    whole = tf.pad(weights, [[0, ky * sy - taps_y], [0, kx * sx - taps_x], [0, 0], [0, 0]])
    kernels = tf.reverse(tf.reshape(whole, (ky, sy, kx, sx, channels, filters)), [0, 2])
    kernels = tf.reshape(tf.transpose(kernels, (0, 2, 5, 1, 3, 4)), (ky, kx, filters, sy * sx * channels))
    phases = tf.nn.conv2d(outwards, kernels, 1, [[0, 0], [ky - 1, ky - 1], [kx - 1, kx - 1], [0, 0]])
    rows, columns = phases.shape[1:3]
    joined = tf.transpose(tf.reshape(phases, (-1, rows, columns, sy, sx, channels)), (0, 1, 3, 2, 4, 5))
    joined = tf.reshape(joined, (-1, rows * sy, columns * sx, channels))  # from the padding's first row and column on
    (top, left), (height, width) = padding, size
    lack = [max(0, top + height - rows * sy), max(0, left + width - columns * sx)]
    joined = tf.pad(joined, [[0, 0], [0, lack[0]], [0, lack[1]], [0, 0]])
    return joined[:, top : top + height, left : left + width]
