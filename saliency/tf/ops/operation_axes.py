"""What operations of a graph do to the axes of their inputs."""

from typing import Any

import tensorflow as tf

ELEMENTWISE = {
    "Abs", "Add", "AddN", "AddV2", "BiasAdd", "Cast", "Clip", "ClipByValue", "Cos", "Div", "Elu", "Erf", "Erfc", "Exp",
    "Identity", "IdentityN", "LeakyRelu", "Log", "Log1p", "Maximum", "Minimum", "Mul", "Neg", "Pow", "RealDiv", "Relu",
    "Relu6", "Rsqrt", "Select", "SelectV2", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Square",
    "SquaredDifference", "StopGradient", "Sub", "Tanh", "EnsureShape", "CheckNumerics", "PreventGradient", "Snapshot",
}  # fmt: skip
"""Operations that compute each entry from the entries at the same place."""

GRIDS = {
    "AvgPool", "Conv2D", "DepthwiseConv2dNative", "ExtractImagePatches", "FusedBatchNorm", "FusedBatchNormV2",
    "FusedBatchNormV3", "LRN", "MaxPool", "MirrorPad", "Pad", "PadV2", "ResizeBilinear", "ResizeNearestNeighbor",
    "SpaceToDepth", "_FusedConv2D", "Conv3D", "MaxPool3D", "AvgPool3D",
}  # fmt: skip
"""Operations from an image to an image whose rows and columns are in the same order."""


def image_axes(tensor: Any, channels_last: bool) -> tuple[int, ...]:
    """Return the spatial axes of an image."""
    rank = tensor.shape.rank or 0
    return tuple(range(1, rank - 1) if channels_last else range(2, rank))


def keeps_samples(target: Any) -> bool:
    """Return whether a reshape's target shape begins with the number of samples, read from another tensor's shape."""
    if target.op.type != "Pack":
        return False
    length = target.op.inputs[0].op
    begin = tf.get_static_value(length.inputs[1]) if length.type == "StridedSlice" else None
    return begin is not None and list(begin) == [0] and length.inputs[0].op.type == "Shape"


def shape_of(tensor: Any) -> tuple[int | None, ...]:
    """Return the static shape of a tensor; () if the number of its axes is unknown."""
    return () if tensor.shape.rank is None else tuple(tensor.shape.as_list())


def inputs_of(op: Any, tensor: Any) -> list[Any]:
    """Return the inputs from which an element-wise operation computes one of its outputs."""
    return [op.inputs[tensor.value_index]] if op.type == "IdentityN" else list(op.inputs)


def keeps_tokens(equation: str) -> bool:
    """Return whether an Einsum's second factor has weights only, so that the first two axes keep their place."""
    inputs, output = equation.split("->")
    first, *others = inputs.split(",")
    return len(first) == len(output) == 3 and first[:2] == output[:2] and not any(set(first[:2]) & set(one) for one in others)


def is_identity(op: Any) -> bool:
    """Return whether a transposition changes nothing."""
    order = tf.get_static_value(op.inputs[1])
    return order is not None and list(order) == list(range(len(order)))
