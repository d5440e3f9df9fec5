"""Convert what users pass to tensors of TensorFlow."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError, ModelError
from saliency.core.validation import host_numbers
from saliency.tf.ops.forked_process import refuse_forked_process

ROUNDING_ERRORS = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "tf32": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
"""Relative rounding error of an operation in each type."""


def input_tensor(value: Any, name: str, channel_axis: int | None, dtype: Any) -> Any:
    """Return an input as a tensor; see ``AdapterContract.asarray``.

    Args:
        value: array, tensor, variable, nested list or PIL image.
        name: the name of the value in an error.
        channel_axis: the axis on which to put the channels of a PIL image.
        dtype: the type of the tensor.

    Raises:
        ModelError: if TensorFlow builds a graph, or this process was forked after TensorFlow was used.
    """
    refuse_forked_process()
    if not tf.executing_eagerly():
        raise ModelError(
            "TensorFlow builds a graph here (inside `with graph.as_default()` or `with session`, or with eager execution "
            "disabled): call the mask outside, or pass the graph and its session to saliency.tf.GraphAdapter"
        )
    if not isinstance(value, tf.Tensor | tf.Variable):
        return tf.constant(host_numbers(value, name, channel_axis, float(dtype.max)), dtype)
    refusal = f"`{name}` ({value.dtype}, shape {tuple(value.shape)}) must hold finite real numbers only"
    if not (value.dtype.is_floating or value.dtype.is_integer or value.dtype.is_bool) or 0 in value.shape:
        raise InputError(refusal)
    value = tf.stop_gradient(tf.cast(value, dtype))
    if not bool(tf.reduce_all(tf.math.is_finite(value))):
        raise InputError(refusal)
    return value


def feed_tensor(value: Any, name: str) -> Any:
    """Return another input of a model as a tensor, and anything that is not an array unchanged."""
    if not hasattr(value, "shape"):
        return value
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"`feed_dict[{name!r}]` ({type(value).__name__}) must be an array of numbers: {error}") from error


def rounding_error(types: Iterable[str]) -> float:
    """Return the largest relative rounding error of an operation in one of the types; a GPU computes float32 as TF32."""
    names = {*types, *(["tf32"] if tf.config.list_physical_devices("GPU") else [])}
    return max(ROUNDING_ERRORS.get(name, 0.0) for name in names)
