"""Linear operations of a graph, as the rules of ``core.lrp_rules`` need them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tensorflow as tf
import tensorflow.experimental.numpy as tnp

from saliency.core.linear_operation import by_sign
from saliency.tf.ops.gradient_functions import copy_operation, registered_gradient
from saliency.tf.ops.strided_convolution_gradient import fast_convolution_gradients, has_fast_gradient
from saliency.tf.relevance.signs import is_nonnegative

CONVOLUTIONS = {"Conv2D", "Conv3D", "DepthwiseConv2dNative"}
TRANSPOSED_CONVOLUTIONS = {"Conv2DBackpropInput", "Conv3DBackpropInputV2"}
MATRIX_PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"}


@dataclass
class Linear:
    """A convolution or a product with weights, and the biases and the batch norm behind it.

    Args:
        op: the operation.
        place: index of its variable input.
        scale: a factor for each output channel, (channels,); None for 1.
        shift: a term for each output channel, (channels,); None for 0.
        is_rectified: as for ``LinearOperation``.
    """

    op: Any
    place: int
    scale: Any = None
    shift: Any = None
    is_rectified: bool = False
    xp = tnp

    @property
    def is_convolution(self) -> bool:
        """Whether the rule of convolutions applies, rather than that of products with weights."""
        return self.op.type not in MATRIX_PRODUCTS

    @property
    def channel_axis(self) -> int | None:
        """The axis of the output's channels, from the end; None if a channel's weights are not known."""
        if self.op.type in MATRIX_PRODUCTS:
            return -1 if self.place == 0 and self.op.type != "Einsum" else None
        first = self.op.get_attr("data_format").startswith(b"NC")
        return 1 - self.op.outputs[0].shape.rank if first else -1

    @property
    def x(self) -> Any:
        """The input, (N, ...)."""
        return self.op.inputs[self.place]

    @cached_property
    def y(self) -> Any:
        """The output, (N, ...)."""
        y = self.op.outputs[0]
        y = y if self.scale is None else y * self._on_channels(self.scale)
        return y if self.bias is None else y + self.bias

    @property
    def _weight_place(self) -> int:
        return 1 if self.op.type not in MATRIX_PRODUCTS else 1 - self.place

    @cached_property
    def weight(self) -> Any:
        """The weights, with the scale of the batch norm."""
        weight = self.op.inputs[self._weight_place]
        if self.scale is None:
            return weight
        if self.op.type == "DepthwiseConv2dNative":
            return weight * tf.reshape(self.scale, tf.shape(weight)[2:])
        is_transposed = self.op.type in TRANSPOSED_CONVOLUTIONS
        for name in ("transpose_b", "adj_y"):
            is_transposed |= name in self.op.node_def.attr and self.op.get_attr(name)
        return weight * (self.scale[:, None] if is_transposed else self.scale)

    def weight_by_sign(self, positive: float, negative: float) -> Any:
        """Return the weights, the positive ones times one factor and the negative ones times another."""
        return by_sign(tnp, self.weight, positive, negative)

    @cached_property
    def bias(self) -> Any:
        """The bias, in a shape that ``apply`` accepts; None without one."""
        return None if self.shift is None else self._on_channels(self.shift)

    @cached_property
    def is_nonnegative(self) -> bool:
        """Whether all values of the input are known to be at least 0."""
        return is_nonnegative(self.x)

    def apply(self, x: Any, weight: Any, bias: Any = None) -> Any:
        """Return the output for another input, other weights and another bias."""
        output = self._with(x, weight).outputs[0]
        return output if bias is None else output + bias

    def transpose(self, multipliers: Any, weight: Any = None) -> Any:
        """Return the transposed weights times an array of the output's shape."""
        copy = self._with(self.x, self.weight if weight is None else weight)
        gradient = fast_convolution_gradients if has_fast_gradient(copy) else registered_gradient
        return gradient(copy, multipliers)[self.place]

    def _with(self, x: Any, weight: Any) -> Any:
        inputs = list(self.op.inputs)
        inputs[self.place], inputs[self._weight_place] = x, weight
        if self.op.type in TRANSPOSED_CONVOLUTIONS:  # the first input is the output's shape
            inputs[0] = tf.concat([tf.shape(x, inputs[0].dtype)[:1], inputs[0][1:]], 0)
        return copy_operation(self.op, inputs)

    def _on_channels(self, values: Any) -> Any:
        """Return values of channels in a shape that broadcasts to the output."""
        axis = self.channel_axis or -1
        return tf.reshape(values, [-1, *[1] * (-1 - axis)])


def linear_operation(op: Any, inputs: list[int]) -> Linear | None:
    """Return the linear operation of a graph's operation, without what is behind it; None if it is none.

    Args:
        op: an operation.
        inputs: the indices of its variable inputs.
    """
    places: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(CONVOLUTIONS, (0,)),
        **dict.fromkeys(TRANSPOSED_CONVOLUTIONS, (2,)),
        **dict.fromkeys(MATRIX_PRODUCTS, (0, 1)),
    }
    if len(inputs) != 1 or inputs[0] not in places.get(op.type, ()) or len(op.inputs) < 2:
        return None
    return Linear(op, inputs[0])
