"""The layers of Keras models, by names that do not depend on what else a process has built."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from saliency.tf.eager.layers import layers_of


def counted_anew(layers: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> path for a model's layers, with the names that they have where the model is the first to be built.

    Keras numbers the layers that are given no name (``re_lu``, ``re_lu_1``, ...) on through a process. Here the numbers of
    each kind start anew; other names stay.

    Args:
        layers: by path, of a model whose layers were built one after another.
    """
    kinds: dict[str, dict[str, int]] = defaultdict(dict)  # kind -> path -> number
    for path, layer in layers.items():
        kind = _snake_case(type(layer).__name__)
        if match := re.fullmatch(rf"{kind}(?:_(\d+))?", path):
            kinds[kind][path] = int(match[1] or 0)
    names = {path: path for path in layers}
    for kind, numbers in kinds.items():
        first = min(numbers.values())
        names |= {path: f"{kind}_{number - first}" if number > first else kind for path, number in numbers.items()}
    return {name: path for path, name in names.items()}


def channel_counts(model: Any, paths: Mapping[str, str]) -> dict[str, int]:
    """Return name -> number of channels or units, of the layers that have one output of a known shape.

    Args:
        model: of colours last.
        paths: name -> path of its layers.
    """
    layers = layers_of(model)
    shapes = {name: getattr(getattr(layers[path], "output", None), "shape", None) for name, path in paths.items()}
    return {name: shape[-1] for name, shape in shapes.items() if shape and isinstance(shape[-1], int)}


def _snake_case(name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
