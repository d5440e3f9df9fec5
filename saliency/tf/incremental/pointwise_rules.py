"""Rules for operations that treat each position alone: their output's patch has the boxes of their input's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import tensorflow as tf

from saliency.core.incremental.box_batch import BoxBatch, bounding_boxes
from saliency.tf.incremental.patch import Patch
from saliency.tf.incremental.patch_call import PatchCall

POINTWISE = {
    "Abs", "Add", "AddN", "AddV2", "Cast", "CheckNumerics", "ClipByValue", "Div", "DivNoNan", "Elu", "Equal", "Erf", "Erfc",
    "Exp", "Expm1", "Greater", "GreaterEqual", "Identity", "LeakyRelu", "Less", "LessEqual", "Log", "Log1p", "LogicalAnd",
    "LogicalNot", "LogicalOr", "Maximum", "Minimum", "Mul", "MulNoNan", "Neg", "Pow", "PreventGradient", "RealDiv",
    "Reciprocal", "Relu", "Relu6", "Rsqrt", "SelectV2", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Square",
    "SquaredDifference", "StopGradient", "Sub", "Tanh",
}  # fmt: skip


def pointwise(call: PatchCall) -> Patch | None:
    """Apply the operation to patches; None if another input varies over the positions or the samples."""
    boxes = _common_boxes(call)
    if boxes is None:
        return None
    channels_first = call.patches[0].channels_first
    others = {i: _per_channel(one, channels_first) for i, one in enumerate(call.inputs) if not isinstance(one, Patch)}
    if any(one is None for one in others.values()):
        return None
    inputs = [call.values_in(one, boxes) if isinstance(one, Patch) else others[i] for i, one in enumerate(call.inputs)]
    return call.make_patch(boxes, call.copy(inputs), 1)


def keep_values(call: PatchCall) -> Patch | None:
    """Keep the values, if the operation only states the shape of maps."""
    patch = call.only_patch
    return None if patch is None else call.make_patch(patch.boxes, patch.values, 0)


def keep_each(call: PatchCall) -> list[Any]:
    """Return the inputs, each of which is an output: the operation only has a gradient of its own."""
    pairs = zip(call.inputs, call.op.outputs, strict=True)
    return [replace(one, clean=output) if isinstance(one, Patch) else output for one, output in pairs]


def add_bias(call: PatchCall) -> Patch | None:
    """Add one number to each channel of a patch."""
    patch = call.only_patch
    return None if patch is None else call.make_patch(patch.boxes, call.copy([patch.values, call.inputs[1]]), 1)


def batch_norm(call: PatchCall) -> Patch | None:
    """Normalize patches by running statistics."""
    patch = call.only_patch
    if patch is None or call.op.get_attr("is_training"):
        return None
    return call.make_patch(patch.boxes, call.copy([patch.values, *call.inputs[1:]]), 1)


def concatenate(call: PatchCall) -> Patch | None:
    """Concatenate patches along their channels."""
    *parts, axis = call.inputs
    axis, channel_axis = tf.get_static_value(axis), 1 if call.patches[0].channels_first else 3
    boxes = _common_boxes(call)
    if boxes is None or len(call.patches) < len(parts) or axis is None or int(axis) % 4 != channel_axis:
        return None
    return call.make_patch(boxes, tf.concat([call.values_in(one, boxes) for one in parts], 3), 1)


def _common_boxes(call: PatchCall) -> BoxBatch | None:
    """Return boxes that contain those of all patches; None if they are most of the map, or the maps differ in size."""
    patches = call.patches
    if len({(one.boxes.map_size, one.channels_first) for one in patches}) > 1:  # one is broadcast
        return None
    same = all(one.boxes.equals(patches[0].boxes) for one in patches)
    boxes = patches[0].boxes if same else bounding_boxes([one.boxes for one in patches])
    return boxes if call.is_worthwhile(boxes) else None


def _per_channel(other: Any, channels_first: bool) -> Any:
    """Return a tensor of one number, or of one for each channel, so that it broadcasts to values with channels last."""
    shape = other.shape
    if not shape.is_fully_defined() or shape.rank > 4:
        return None
    channel = shape.rank - (3 if channels_first else 1)
    if any(length != 1 for axis, length in enumerate(shape) if axis != channel):
        return None
    return tf.reshape(other, [-1] if channel >= 0 else []) if shape.rank else other
