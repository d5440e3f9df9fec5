"""Check that a weights file matches a model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saliency.core.errors import InputError
from saliency.core.validation import shown

Shapes = Mapping[str, tuple[int, ...]]


def check_file(file: Path) -> None:
    """Check that a weights file exists.

    Raises:
        InputError: if it does not.
    """
    if not os.path.isfile(file):
        raise InputError(f"`weights` ({file}) must be an existing file")


def check_weights_path(weights: Any) -> None:
    """Check that the option ``weights`` is a path or None."""
    if weights is not None and not (isinstance(weights, str | os.PathLike) and "\0" not in str(weights)):
        raise InputError(f"`weights` (={shown(weights)}) must be the path of a file, without the character NUL, or None")


def shapes_of(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the arrays or tensors in a mapping."""
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def check_weights_match(file: str | Path, file_shapes: Shapes, model_shapes: Shapes, model: str) -> None:
    """Check that the weights in a file have the names and shapes of a model's weights.

    Args:
        file: the weights file, for the error message.
        file_shapes: name -> shape of the weights in the file.
        model_shapes: name -> shape of the weights of the model.
        model: name of the model, for the error message.

    Raises:
        InputError: if names or shapes differ.
    """
    missing = sorted(name for name in model_shapes.keys() - file_shapes.keys() if not name.endswith("num_batches_tracked"))
    unexpected = sorted(file_shapes.keys() - model_shapes.keys())
    common = model_shapes.keys() & file_shapes.keys()
    misshapen = sorted(name for name in common if model_shapes[name] != file_shapes[name])
    for problem, names in (("lacks", missing), ("has unexpected", unexpected), ("has the wrong shape for", misshapen)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            listed = ", ".join(names[:5]) + more
            raise InputError(f"`weights` ({file}) {problem} {listed}; it must match {model} in names and shapes")
