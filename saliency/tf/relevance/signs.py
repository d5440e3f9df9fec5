"""Tensors of a graph that hold no negative values, whatever the input."""

from typing import Any

from saliency.tf.ops.relu_operations import is_relu

NONNEGATIVE = {"Relu", "Relu6", "Sigmoid", "Softmax", "Softplus", "Abs", "Square", "Exp"}
MOVING = {
    "Identity", "Reshape", "Transpose", "ExpandDims", "Squeeze", "Cast", "MaxPool", "MaxPool3D", "AvgPool",
    "AvgPool3D", "Mean", "Max", "Pad", "Slice", "StridedSlice", "SpaceToDepth", "DepthToSpace", "SpaceToBatchND",
    "BatchToSpaceND", "ResizeNearestNeighbor", "ResizeBilinear",
}  # fmt: skip
"""Operations that output no negative values if their first input holds none."""

JOINING = {"ConcatV2", "AddV2", "Add", "AddN", "Pack"}
"""Operations that output no negative values if none of their inputs of floats holds one."""


def is_nonnegative(tensor: Any) -> bool:
    """Return whether a tensor is known to hold no negative values."""
    stack, seen = [tensor], set()
    while stack:
        op = stack.pop().op
        if op in seen or op.type in NONNEGATIVE or is_relu(op):
            continue
        seen.add(op)
        if op.type in MOVING:
            stack.append(op.inputs[0])
        elif op.type in JOINING:
            stack += [one for one in op.inputs if one.dtype.is_floating]
        else:
            return False
    return True
