"""Find the layers of a Keras model by path."""

import sys
from collections.abc import Container, Iterable, Mapping
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from saliency.core.errors import TargetError
from saliency.core.layer_hint import layer_hint
from saliency.core.validation import shown

PACKAGES = ("keras", "tf_keras")


_known: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
"""Classes, and whether they are Keras layers."""


def is_keras(model: Any) -> bool:
    """Tell whether an object is a model or layer of Keras 3 or Keras 2."""
    kind = type(model)
    found = _known.get(kind)
    if found is None:
        layers = (one for one in kind.__mro__ if one.__name__ == "Layer")
        found = _known[kind] = any(one.__module__.partition(".")[0] in PACKAGES for one in layers)
    return found


def layers_of(model: Any) -> dict[str, Any]:
    """Return a model's layers by path (``backbone/conv5``), including nested ones. A shared layer has its first path."""
    layers: dict[str, Any] = {}
    visited: set[int] = set()

    def visit(parent: Any, prefix: str) -> None:
        for layer in children_of(parent):
            if id(layer) not in visited:
                visited.add(id(layer))
                path = unique_path(f"{prefix}{layer.name}", layers)
                layers[path] = layer
                visit(layer, f"{path}/")

    visit(model, "")
    return layers


def children_of(layer: Any) -> list[Any]:
    """Return the layers that a layer or model holds directly."""
    return list(layer._flatten_layers(include_self=False, recursive=False)) if hasattr(layer, "_flatten_layers") else []


def random_state() -> list[Any]:
    """Return the state from which ``keras.random`` draws without a seed, on the Torch backend; nothing if nobody drew yet."""
    state = sys.modules.get("keras.src.backend.common.global_state")
    generator = state and state.get_global_attribute("global_seed_generator")
    return [generator.state.value] if generator else []


def unique_path(path: str, existing: Container[str]) -> str:
    """Return a path that does not exist yet, with a number if needed: a subclassed model may give two layers one name."""
    return path if path not in existing else next(new for i in count(2) if (new := f"{path}:{i}") not in existing)


def paths_matching(name: Any, layers: Iterable[str]) -> list[str]:
    """Return the path that equals a name, or else all paths that end with it behind a slash."""
    if not isinstance(name, str):  # an array, for example, cannot be compared with a path
        return []
    if name in layers:
        return [name]
    return [path for path in layers if path.endswith(f"/{name}")]


def path_named(name: Any, layers: Mapping[str, Any], option: str = "layer") -> str:
    """Return the path of the layer with a name.

    Args:
        name: the layer's path, or the part of it after a slash.
        layers: the model's layers by path.
        option: the option's name in errors.

    Raises:
        TargetError: if there is no such layer, or there are several.
    """
    paths = paths_matching(name, layers)
    if len(paths) > 1:
        raise TargetError(
            f"`{option}` (={name!r}) must name one layer; it matches {', '.join(paths)}: pass one of these paths"
        )
    if not paths:
        raise TargetError(
            f"`{option}` (={shown(name)}) must be one of the model's {len(layers)} layers; {layer_hint(name, layers)}"
        )
    return paths[0]


def channel_axis_of(layers: Iterable[Any]) -> int:
    """Return the layers' channel axis, without the batch axis: 0 if the layers say ``channels_first``, else -1.

    ``Flatten`` does not count, because it says ``channels_last`` unless it is told otherwise.
    """
    formats = {getattr(layer, "data_format", None) for layer in layers if type(layer).__name__ != "Flatten"}
    return 0 if "channels_first" in formats and "channels_last" not in formats else -1
