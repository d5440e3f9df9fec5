"""The function by key of a TensorFlow 1 graph and its session."""

from collections.abc import Mapping, Sequence
from typing import Any

from saliency.compat.pair.core.model_function import (
    CONVOLUTION_LAYER_VALUES,
    CONVOLUTION_OUTPUT_GRADIENTS,
    INPUT_OUTPUT_GRADIENTS,
    OUTPUT_LAYER_VALUES,
    CallModelFunction,
)
from saliency.core.errors import InputError, ModelError

__all__ = [
    "CONVOLUTION_LAYER_VALUES",
    "CONVOLUTION_OUTPUT_GRADIENTS",
    "INPUT_OUTPUT_GRADIENTS",
    "MISSING_CONV_LAYER_ERROR_MESSAGE",
    "MISSING_Y_ERROR_MESSAGE",
    "OUTPUT_LAYER_VALUES",
    "create_tf1_call_model_function",
]

MISSING_Y_ERROR_MESSAGE = "Cannot return key {} because no y was specified"
MISSING_CONV_LAYER_ERROR_MESSAGE = "Cannot return key {} because no conv_layer was specified"


def create_tf1_call_model_function(
    graph: Any, session: Any, y: Any = None, x: Any = None, conv_layer: Any = None
) -> CallModelFunction:
    """Return the ``call_model_function`` of a graph, for the methods of ``core``.

    Its ``call_model_args`` are a ``feed_dict`` of other placeholders, which is not changed. The operations of a gradient are
    added to the graph once, at the first call that needs them.

    Args:
        graph: the ``tf.Graph``.
        session: a session of this graph.
        y: the tensor to explain, (N,) or one number; None if only the values of the layer are needed.
        x: the input tensor, (N, *input).
        conv_layer: the tensor of a layer, (N, rows, columns, channels), or None.

    Returns:
        A function that raises a ValueError for an unknown key, and a RuntimeError for a key whose tensor is None.
    """

    def call_model_function(
        x_value_batch: Any, call_model_args: Mapping[Any, Any] | None = None, expected_keys: Sequence[str] = ()
    ) -> dict[str, Any]:
        fetches = [_fetch(graph, key, y, x, conv_layer) for key in expected_keys]
        values = session.run(fetches, feed_dict={**(call_model_args or {}), x: x_value_batch})
        return dict(zip(expected_keys, values, strict=True))

    return call_model_function


def _fetch(graph: Any, key: str, y: Any, x: Any, conv_layer: Any) -> Any:
    """Return the tensor of a key."""
    if key not in (INPUT_OUTPUT_GRADIENTS, OUTPUT_LAYER_VALUES, CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS):
        raise InputError(f"Invalid expected key {key}")
    if y is None and key != CONVOLUTION_LAYER_VALUES:
        raise ModelError(MISSING_Y_ERROR_MESSAGE.format(key))
    if conv_layer is None and key in (CONVOLUTION_LAYER_VALUES, CONVOLUTION_OUTPUT_GRADIENTS):
        raise ModelError(MISSING_CONV_LAYER_ERROR_MESSAGE.format(key))
    if key in (OUTPUT_LAYER_VALUES, CONVOLUTION_LAYER_VALUES):
        return y if key == OUTPUT_LAYER_VALUES else conv_layer
    return _gradient(graph, y, x, x if key == INPUT_OUTPUT_GRADIENTS else conv_layer)


def _gradient(graph: Any, y: Any, x: Any, source: Any) -> Any:
    """Return the gradient of the sum of ``y`` with respect to the input or a layer."""
    import tensorflow as tf

    from saliency.tf.session.op_cache import cached_ops
    from saliency.tf.session.subgraph_copy import differentiable_copies

    def build(_info: Any) -> list[Any]:
        copies = differentiable_copies(x, [y, source])
        found = tf.compat.v1.gradients(copies[0], copies[1])[0]
        if found is None:
            raise ModelError(f"`y` ({y.name!r}) must depend on {source.name!r}, by operations with a gradient")
        return [tf.convert_to_tensor(found)]

    return cached_ops(graph, ("gradient by key", y.name, source.name), build).tensors[0]
