"""Look up a Keras model's layers by path."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.keras.layers import layers_of, path_named


def path_of(model: Any, layer: Any, option: str = "layer") -> str:
    """Return the path of a model's layer.

    Args:
        model: a Keras model.
        layer: the layer's path, its name, or the layer object.
        option: the option's name in errors.

    Raises:
        TargetError: if the model has no such layer, or several of this name.
    """
    layers = layers_of(model)
    if not isinstance(layer, str):
        paths = [path for path, each in layers.items() if each is layer]
        if not paths:
            raise TargetError(f"`{option}` ({type(layer).__name__}) must be a layer of the model; the model lacks this object")
        return paths[0]
    return path_named(layer, layers, option)


def find_layer(model: Any, layer: Any) -> Any:
    """Return the layer object; see ``path_of``."""
    return layers_of(model)[path_of(model, layer)]


def single_tensor(tensors: list[Any], path: str, verb: str = "outputs") -> Any:
    """Return the tensor of a layer's only recorded call.

    Args:
        tensors: recorded values, one for each call.
        path: the layer's path in errors.
        verb: what the layer does with the tensor, in errors: ``outputs`` or ``takes``.

    Raises:
        TargetError: if there is not exactly one call, or its value is not one tensor of floats.
    """
    if not tensors:
        raise TargetError(f"layer {path!r} was not called in the forward pass")
    if len(tensors) > 1:
        raise TargetError(f"layer {path!r} was called {len(tensors)} times in one forward pass; a target needs one call")
    if not isinstance(tensors[0], tf.Tensor) or not tensors[0].dtype.is_floating:
        kind = tensors[0].dtype.name if isinstance(tensors[0], tf.Tensor) else type(tensors[0]).__name__
        raise TargetError(f"layer {path!r} {verb} a {kind}; a map, a target or a gradient needs one tensor of floats")
    return tensors[0]
