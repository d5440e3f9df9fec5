"""Name the layers of Keras models independently of other models in the process."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from saliency.core.keras.layers import layers_of


def renumber_layers(layers: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> path for a model's layers, with automatic names numbered from the start.

    Keras counts layers without a name (``re_lu``, ``re_lu_1``, ...) across all models of a process. Here the numbers of each
    layer class start from the beginning, as if the model were the first; other names are unchanged.

    Args:
        layers: path -> layer of a model whose layers were built one after another.
    """
    numbers_by_kind: dict[str, dict[str, int]] = defaultdict(dict)  # layer class -> path -> number
    for path, layer in layers.items():
        kind = _snake_case(type(layer).__name__)
        if match := re.fullmatch(rf"{kind}(?:_(\d+))?", path):
            numbers_by_kind[kind][path] = int(match[1] or 0)
    names = {path: path for path in layers}
    for kind, numbers in numbers_by_kind.items():
        first = min(numbers.values())
        names |= {path: f"{kind}_{number - first}" if number > first else kind for path, number in numbers.items()}
    return {name: path for path, name in names.items()}


def channel_counts(model: Any, paths: Mapping[str, str]) -> dict[str, int]:
    """Return name -> number of channels or units, for layers with one output of known shape.

    Args:
        model: a channels-last model.
        paths: name -> path of its layers.
    """
    layers = layers_of(model)
    shapes = {name: getattr(getattr(layers[path], "output", None), "shape", None) for name, path in paths.items()}
    return {name: shape[-1] for name, shape in shapes.items() if shape and isinstance(shape[-1], int)}


def _snake_case(name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
