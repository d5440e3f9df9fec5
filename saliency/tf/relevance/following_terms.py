"""Biases and batch norms behind a linear operation, which are computed as a part of it."""

from dataclasses import replace
from math import prod
from typing import Any

import tensorflow as tf

from saliency.tf.ops.train_mode_operations import FUSED_NORMS
from saliency.tf.relevance.linear_operations import Linear
from saliency.tf.relevance.variable_graph import VariableGraph

ARRANGING = {"Identity", "Reshape", "Squeeze", "ExpandDims", "BatchToSpaceND", "Cast"}
TERMS = {"BiasAdd", "BiasAddV1", "Add", "AddV2", "Sub"}
FACTORS = {"Mul", "Div", "RealDiv"}
NOT_SECOND = {"Sub", "Div", "RealDiv"}
"""Operations that shift or scale their first input only."""


def with_following_terms(linear: Linear, graph: VariableGraph) -> tuple[Linear, list[Any]]:
    """Return a linear operation with the biases and the batch norm that are its only use, and the operations of these.

    A factor counts only if a term follows it, as in a batch norm that is written out.

    Args:
        linear: without what follows it.
        graph: the operations between the leaf and the scores.
    """
    tensor, axis = linear.op.outputs[0], linear.channel_axis
    size = None if axis is None else tensor.shape[axis]
    found, tentative = linear, linear
    passed: list[Any] = []
    waiting: list[Any] = []
    while size is not None:
        op = graph.only_consumer(tensor)
        following = None if op is None else _with_operation(tentative, op, graph.inputs(op)[0], tensor, size)
        if following is None:
            break
        tensor, tentative = op.outputs[0], following
        waiting.append(op)
        if op.type in TERMS | FUSED_NORMS:
            found, passed, waiting = following, [*passed, *waiting], []
    end = passed[-1].outputs[0] if passed else linear.op.outputs[0]
    return replace(found, is_rectified=_is_rectified(end, graph)), passed


def _is_rectified(tensor: Any, graph: VariableGraph) -> bool:
    while (op := graph.only_consumer(tensor)) is not None and op.type in ARRANGING:
        tensor = op.outputs[0]
    return op is not None and op.type == "Relu"


def _with_operation(linear: Linear, op: Any, place: int, tensor: Any, size: int) -> Linear | None:
    """Return a linear operation followed by one more; None if this is no scale or shift of its output channels."""
    if op.type in ("Identity", "Cast"):
        return linear if op.outputs[0].dtype.is_floating else None
    if op.type in ARRANGING:
        keeps = linear.channel_axis == -1 and _channel_shape(op.outputs[0].shape, size) is not None and place == 0
        return linear if keeps else None
    if op.type in FUSED_NORMS:
        return None if place or op.get_attr("is_training") else _with_batch_norm(linear, op)
    if (
        op.type not in TERMS | FACTORS
        or (op.type in NOT_SECOND and place == 1)
        or op.outputs[0].shape.rank != tensor.shape.rank
    ):
        return None
    is_first = linear.channel_axis != -1 and not (op.type.startswith("BiasAdd") and op.get_attr("data_format") == b"NHWC")
    values = _by_channel(
        op.inputs[1 - place], tensor, size, -1 if not is_first or linear.channel_axis is None else linear.channel_axis, op.type
    )
    if values is None:
        return None
    values = tf.cast(values, linear.op.outputs[0].dtype)
    if op.type in FACTORS:
        values = values if op.type == "Mul" else 1 / values
        scale = values if linear.scale is None else linear.scale * values
        return replace(linear, scale=scale, shift=None if linear.shift is None else linear.shift * values)
    values = -values if op.type == "Sub" else values
    return replace(linear, shift=values if linear.shift is None else linear.shift + values)


def _with_batch_norm(linear: Linear, op: Any) -> Linear | None:
    if op.get_attr("data_format").startswith(b"NC") != (linear.channel_axis != -1):
        return None
    weight, bias, mean, variance = op.inputs[1:5]
    scale = tf.cast(weight * tf.math.rsqrt(variance + op.get_attr("epsilon")), linear.op.outputs[0].dtype)
    shift = tf.cast(bias, scale.dtype) - tf.cast(mean, scale.dtype) * scale
    shift = shift if linear.shift is None else shift + linear.shift * scale
    return replace(linear, scale=scale if linear.scale is None else linear.scale * scale, shift=shift)


def _channel_shape(shape: Any, size: int) -> tuple[int, ...] | None:
    """Return the last axes of a shape that hold the channels; None if none do."""
    for i in range(1, (shape.rank or 0) + 1):
        if None in shape[-i:]:
            return None
        if prod(shape[-i:]) == size:
            return tuple(shape[-i:])
    return None


def _by_channel(values: Any, like: Any, size: int, axis: int, kind: str) -> Any:
    """Return a constant as one number for each channel, (channels,); None if it differs within a channel."""
    channels = (size,) if axis != -1 else _channel_shape(like.shape, size)
    shape = values.shape
    if channels is None or not shape.is_fully_defined() or shape.rank > like.shape.rank:
        return None
    if axis != -1 and not kind.startswith("BiasAdd"):
        channels = (size, *[1] * (-1 - axis))
    padded = [1] * (like.shape.rank - shape.rank) + shape.as_list()
    leading, trailing = padded[: -len(channels)], padded[-len(channels) :]
    if set(leading) > {1} or (leading and set(leading) != {1}):
        return None
    if any(one not in (1, full) for one, full in zip(trailing, channels, strict=True)):
        return None
    return tf.reshape(tf.broadcast_to(values, channels), [-1])
