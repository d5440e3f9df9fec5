"""Look up a Keras model's layers by path."""

from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.keras.layers import layers_of, path_named, paths_matching
from saliency.core.layer_entries import describe_output, split_entry


def path_of(model: Any, layer: Any, option: str = "layer") -> str:
    """Return the path of a model's layer, with that of an entry of its output behind it if the name has one.

    Args:
        model: a Keras model.
        layer: the layer's path, its name, or the layer object. A path behind a name, such as ``"backbone/0"``, is an entry of
            the output of a layer that returns a structure.
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
    name, entry = split_entry(layer, lambda name: bool(paths_matching(name, layers)))
    path = path_named(name, layers, option)
    return f"{path}/{entry}" if entry else path


def find_layer(model: Any, layer: Any) -> tuple[Any, str]:
    """Return the layer object, and the path of the entry of its output, which may be empty; see ``path_of``."""
    layers = layers_of(model)
    path, entry = split_entry(path_of(model, layer), layers.__contains__)
    return layers[path], entry


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
        described = describe_output(tensors[0]) if verb == "outputs" else type(tensors[0]).__name__
        kind = tensors[0].dtype.name if isinstance(tensors[0], tf.Tensor) else described
        raise TargetError(f"layer {path!r} {verb} a {kind}; a map, a target or a gradient needs one tensor of floats")
    return tensors[0]
