"""Look up a Keras model's layers by path."""

import difflib
from collections.abc import Container, Iterable
from itertools import count
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError


def layers_of(model: Any) -> dict[str, Any]:
    """Return a model's layers by path (``backbone/conv5``), including nested ones. A shared layer has its first path."""
    layers: dict[str, Any] = {}
    visited: set[int] = set()

    def visit(parent: Any, prefix: str) -> None:
        for layer in _children(parent):
            if id(layer) not in visited:
                visited.add(id(layer))
                path = _unique_path(f"{prefix}{layer.name}", layers)
                layers[path] = layer
                visit(layer, f"{path}/")

    visit(model, "")
    return layers


def _unique_path(path: str, existing: Container[str]) -> str:
    """Return a path that does not exist yet, with a number if needed: a subclassed model may give two layers one name."""
    return path if path not in existing else next(new for i in count(2) if (new := f"{path}:{i}") not in existing)


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False)) if hasattr(layer, "_flatten_layers") else []


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
    paths = [path for path in layers if path == layer] or [path for path in layers if path.endswith(f"/{layer}")]
    if len(paths) > 1:
        raise TargetError(
            f"`{option}` (={layer!r}) must name one layer; it matches {', '.join(paths)}: pass one of these paths"
        )
    if not paths:
        near = difflib.get_close_matches(layer, list(layers), n=3, cutoff=0.3) or list(layers)[-3:]
        raise TargetError(
            f"`{option}` (={layer!r}) must be one of the model's {len(layers)} layers; nearest: {', '.join(near)}"
        )
    return paths[0]


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


def channel_axis_of(layers: Iterable[Any]) -> int:
    """Return the layers' channel axis, without the batch axis: 0 if the layers say ``channels_first``, else -1."""
    formats = {getattr(layer, "data_format", None) for layer in layers}
    return 0 if "channels_first" in formats and "channels_last" not in formats else -1
