"""A Keras model's layers by their paths, and taps that read their outputs while a model is traced."""

import difflib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
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


def path_of(model: Any, layer: Any) -> str:
    """Return the path of a layer of the model, which is given by its path, its name, or as the object itself.

    Raises:
        TargetError: if the model does not have it, or has several of this name.
    """
    layers = layers_of(model)
    if not isinstance(layer, str):
        paths = [path for path, one in layers.items() if one is layer]
        if not paths:
            raise TargetError(f"`layer` ({type(layer).__name__}) must be a part of the model; this object is not")
        return paths[0]
    paths = [path for path in layers if path == layer] or [path for path in layers if path.endswith(f"/{layer}")]
    if len(paths) > 1:
        raise TargetError(f"`layer` (={layer!r}) must name one layer; the model has {', '.join(paths)}")
    if not paths:
        near = difflib.get_close_matches(layer, list(layers), n=3, cutoff=0.3) or list(layers)[-3:]
        raise TargetError(f"`layer` (={layer!r}) must be one of the model's {len(layers)} layers; nearest: {', '.join(near)}")
    return paths[0]


def find_layer(model: Any, layer: Any) -> Any:
    """Return the layer itself; see ``path_of``."""
    return layers_of(model)[path_of(model, layer)]


def only_call(calls: list[Any], path: str) -> Any:
    """Return the one output of a layer.

    Raises:
        TargetError: if the layer was not called once, or gave no tensor.
    """
    if not calls:
        raise TargetError(f"layer {path!r} was not called in the forward pass")
    if len(calls) > 1:
        raise TargetError(f"layer {path!r} was called {len(calls)} times in one forward pass; a target needs one call")
    if not isinstance(calls[0], tf.Tensor) or not calls[0].dtype.is_floating:
        raise TargetError(f"layer {path!r} gives a {type(calls[0]).__name__}; a map or a target needs one tensor of floats")
    return calls[0]


@contextmanager
def tapped(layers: Iterable[Any]) -> Iterator[list[tuple[Any, Any]]]:
    """Collect what layers give in this thread, in the order of their calls: pairs of a layer and its output.

    A layer's ``call`` is replaced on the one object, past everything that tracks its attributes, until the block ends. What
    comes out of it is an identity of the output, which the rest of the model goes on with.
    """
    calls: list[tuple[Any, Any]] = []
    thread, replaced = threading.get_ident(), []
    try:
        for layer in layers:
            replaced.append((layer, vars(layer).get("call")))  # an operator's layer has one of its own
            object.__setattr__(layer, "call", _tap(layer, layer.call, calls, thread))
        yield calls
    finally:
        for layer, own in replaced:
            if own is None:
                vars(layer).pop("call", None)
            else:
                object.__setattr__(layer, "call", own)


def _tap(layer: Any, call: Any, calls: list[tuple[Any, Any]], thread: int) -> Any:
    @wraps(call)  # Keras looks for `training` and `mask` in its signature
    def tap(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if threading.get_ident() != thread:
            return output
        if isinstance(output, tf.Tensor):
            mask, output = getattr(output, "_keras_mask", None), tf.identity(output)
            if mask is not None:  # which steps of a sequence count, for the layers that follow
                output._keras_mask = mask
        calls.append((layer, output))
        return output

    return tap
