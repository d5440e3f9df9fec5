"""Select the call of a layer that descends from the explained input."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.tf.ops.graph_traversal import operations_after


def calls_from_input(tensors: list[Any], x: Any) -> list[Any]:
    """Return the tensors of those calls of a layer that descend from the input and that no later call follows.

    A layer may be called several times, on different inputs of the model or on constants.

    Args:
        tensors: the recorded values, one for each call.
        x: the explained input, a tensor of the same graph.
    """
    after_input = operations_after(x)
    tensors = [tensor for tensor in tensors if not isinstance(tensor, tf.Tensor) or tensor.op in after_input]
    if len(tensors) < 2:
        return tensors
    followed = [operations_after(tensor) if isinstance(tensor, tf.Tensor) else {} for tensor in tensors]
    found = [
        tensor
        for tensor, after in zip(tensors, followed, strict=True)
        if not any(isinstance(other, tf.Tensor) and other is not tensor and other.op in after for other in tensors)
    ]
    if len(found) < 2:
        return found
    return [tensor for tensor in found if not isinstance(tensor, tf.Tensor) or tf.gradients(tensor, x)[0] is not None]


def call_from_input(tensors: list[Any], x: Any, name: str, any_input: bool = False) -> list[Any]:
    """Return the only tensor of ``calls_from_input`` in a list; an empty list if the layer was not called.

    Args:
        tensors, x: as for ``calls_from_input``.
        name: the layer's name in errors.
        any_input: accept the last call of a layer that belongs to another input.

    Raises:
        TargetError: if no call descends from the input, or if several do and none follows the other.
    """
    found = calls_from_input(tensors, x)
    if any_input and not found:
        return tensors[-1:]
    if tensors and not found:
        raise TargetError(f"{name} does not depend on the explained input. Choose another layer")
    if len(found) > 1:
        raise TargetError(
            f"{name} is called {len(found)} times on parallel paths from the input; a map or a gradient needs one call. "
            "Choose another layer"
        )
    return found
