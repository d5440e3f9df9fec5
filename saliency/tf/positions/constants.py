"""The values of small integer tensors, such as the target of a reshape, for an input of known shape."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Array = npt.NDArray[Any]

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Identity": np.asarray, "Cast": np.asarray, "AddV2": np.add, "Add": np.add, "Sub": np.subtract, "Mul": np.multiply,
    "FloorDiv": np.floor_divide, "FloorMod": np.mod, "Maximum": np.maximum, "Minimum": np.minimum, "Neg": np.negative,
    "Less": np.less, "SelectV2": np.where, "Range": np.arange, "Fill": np.full, "Reshape": np.reshape,
    "Transpose": np.transpose, "Tile": np.tile,
}  # fmt: skip
"""Operations whose value is a function of the values of their inputs."""


def constant_value(tensor: Any, shape_of: Callable[[Any], Sequence[int] | None], depth: int = 0) -> Array | None:
    """Return the value of an integer tensor; None if it is not known.

    Args:
        tensor: of a graph.
        shape_of: returns the shape of a tensor, None if it is not known.
        depth: number of operations behind it that were followed.
    """
    value = tf.get_static_value(tensor)
    if value is not None or depth > 50:
        return None if value is None else np.asarray(value)
    op = tensor.op
    if op.type in ("Shape", "Size", "Rank"):
        shape = shape_of(op.inputs[0])
        if shape is None:
            return None
        return np.asarray(shape if op.type == "Shape" else np.prod(shape) if op.type == "Size" else len(shape))
    inputs = [constant_value(one, shape_of, depth + 1) for one in op.inputs]
    if any(one is None for one in inputs) or not inputs:
        return None
    return _evaluate(op, tensor.value_index, inputs)


def _evaluate(op: Any, index: int, inputs: list[Any]) -> Array | None:
    first = inputs[0]
    match op.type:
        case "Pack":
            return np.asarray(np.stack(inputs, op.get_attr("axis")))
        case "Unpack":
            return np.asarray(first.take(index, op.get_attr("axis")))
        case "ConcatV2":
            return np.asarray(np.concatenate(inputs[:-1], int(inputs[-1])))
        case "ExpandDims":
            return np.asarray(np.expand_dims(first, int(inputs[1])))
        case "Squeeze":
            return np.asarray(np.squeeze(first))
        case "Prod" | "Sum" | "Max":
            reduce: Any = {"Prod": np.prod, "Sum": np.sum, "Max": np.max}[op.type]
            return np.asarray(reduce(first, axis=tuple(np.atleast_1d(inputs[1])), keepdims=op.get_attr("keep_dims")))
        case "GatherV2":
            return np.asarray(first.take(inputs[1], int(inputs[2])))
        case "Slice":
            return np.asarray(first[tuple(slice(at, None if n < 0 else at + n) for at, n in zip(*inputs[1:], strict=True))])
        case "StridedSlice":
            return np.asarray(first[slice_index(op, inputs[1:])])
    function = FUNCTIONS.get(op.type)
    return None if function is None else np.asarray(function(*inputs))


def slice_index(op: Any, bounds: Sequence[Array]) -> tuple[Any, ...]:
    """Return the index of a StridedSlice operation.

    Args:
        op: the operation.
        bounds: its begin, end and strides.
    """
    names = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    masks = {name: int(op.get_attr(f"{name}_mask")) for name in names}
    index: list[Any] = []
    for i, (begin, end, stride) in enumerate(zip(*bounds, strict=True)):
        bit = 1 << i
        if masks["ellipsis"] & bit:
            index.append(...)
        elif masks["new_axis"] & bit:
            index.append(None)
        elif masks["shrink_axis"] & bit:
            index.append(int(begin))
        else:
            is_open = masks["begin"] & bit, masks["end"] & bit
            index.append(slice(None if is_open[0] else int(begin), None if is_open[1] else int(end), int(stride)))
    return (*index, ...) if ... not in index else tuple(index)
