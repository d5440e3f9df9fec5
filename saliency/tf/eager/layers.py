"""A Keras model's layers by their paths."""

import difflib
from collections.abc import Iterable
from itertools import count
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError


def layers_of(model: Any) -> dict[str, Any]:
    """Return a model's layers by path (``backbone/conv5``), those inside of layers as well; a shared one under its first."""
    found: dict[str, Any] = {}
    seen: set[int] = set()

    def visit(parent: Any, path: str) -> None:
        for layer in _children(parent):
            if id(layer) not in seen:
                seen.add(id(layer))
                here = _free(f"{path}{layer.name}", found)
                found[here] = layer
                visit(layer, f"{here}/")

    visit(model, "")
    return found


def _free(path: str, taken: Any) -> str:
    """Return a path that is not taken yet: subclassed models may give two layers one name."""
    return path if path not in taken else next(one for i in count(2) if (one := f"{path}:{i}") not in taken)


def _children(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False)) if hasattr(layer, "_flatten_layers") else []


def path_of(model: Any, layer: Any, option: str = "layer") -> str:
    """Return the path of a layer of the model, which is given by its path, its name, or as the object itself.

    Args:
        model: a Keras model.
        layer: one of these.
        option: what an error calls it.

    Raises:
        TargetError: if the model does not have it, or has several of this name.
    """
    layers = layers_of(model)
    if not isinstance(layer, str):
        paths = [path for path, one in layers.items() if one is layer]
        if not paths:
            raise TargetError(f"`{option}` ({type(layer).__name__}) must be a part of the model; this object is not")
        return paths[0]
    paths = [path for path in layers if path == layer] or [path for path in layers if path.endswith(f"/{layer}")]
    if len(paths) > 1:
        raise TargetError(f"`{option}` (={layer!r}) must name one layer; the model has {', '.join(paths)}")
    if not paths:
        near = difflib.get_close_matches(layer, list(layers), n=3, cutoff=0.3) or list(layers)[-3:]
        raise TargetError(
            f"`{option}` (={layer!r}) must be one of the model's {len(layers)} layers; nearest: {', '.join(near)}"
        )
    return paths[0]


def find_layer(model: Any, layer: Any) -> Any:
    """Return the layer itself; see ``path_of``."""
    return layers_of(model)[path_of(model, layer)]


def only_call(calls: list[Any], path: str, does: str = "gives") -> Any:
    """Return what a layer gives, or takes, in its one call.

    Raises:
        TargetError: if the layer was not called once, or this is no tensor.
    """
    if not calls:
        raise TargetError(f"layer {path!r} was not called in the forward pass")
    if len(calls) > 1:
        raise TargetError(f"layer {path!r} was called {len(calls)} times in one forward pass; a target needs one call")
    if not isinstance(calls[0], tf.Tensor) or not calls[0].dtype.is_floating:
        kind = calls[0].dtype.name if isinstance(calls[0], tf.Tensor) else type(calls[0]).__name__
        raise TargetError(f"layer {path!r} {does} a {kind}; a map, a target or a gradient needs one tensor of floats")
    return calls[0]


def channel_axis_of(layers: Iterable[Any]) -> int:
    """Return where layers have their channels, without the batch axis: last, unless one says ``channels_first``."""
    formats = {getattr(layer, "data_format", None) for layer in layers}
    return 0 if "channels_first" in formats and "channels_last" not in formats else -1
