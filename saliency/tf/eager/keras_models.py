"""Keras models, of version 3 and 2, as functions of their first input and the others by name."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError
from saliency.core.wrap import refuse_other_backends
from saliency.tf.eager.functions import Call, explained

PACKAGES = ("keras", "tf_keras")


def is_keras(model: Any) -> bool:
    """Tell whether a model is Keras's, of version 3 or 2."""
    return any(kind.__name__ == "Layer" and _package(kind) in PACKAGES for kind in type(model).__mro__)


def keras_call(model: Any, x_name: str | None) -> Call:
    """Tell how a Keras model is called, in inference mode.

    Raises:
        ModelError: if it is on another backend.
        InputError: if there is no input of that name.
    """
    refuse_other_backends(model)
    known = input_names(model)
    if x_name is not None and known and x_name not in known:
        raise InputError(f"`x_name` (={x_name!r}) must be one of the model's inputs: {', '.join(map(repr, known))}")

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        structure, names = getattr(model, "_inputs_struct", None), input_names(model)
        if len(names) < 2 and not isinstance(structure, list | tuple | Mapping) and not (feed and names):
            return model(x, training=False, **feed)
        given = {explained(names, feed, x_name): x, **feed}
        return model(given if isinstance(structure, Mapping) else [given[name] for name in names], training=False)

    return call


def input_names(model: Any) -> list[str]:
    """Return the names of a model's inputs, in its order; none for a subclassed one's."""
    structure = getattr(model, "_inputs_struct", None)  # a Functional model's, of version 3
    if structure is None:
        return list(getattr(model, "input_names", None) or ())
    return list(structure) if isinstance(structure, Mapping) else [one.name for one in tf.nest.flatten(structure)]


def input_tensors(model: Any) -> dict[str, Any]:
    """Return the symbolic tensors of a model's inputs by their names, in its order; none for a subclassed one's."""
    structure = getattr(model, "_inputs_struct", None)
    tensors = list(structure.values()) if isinstance(structure, Mapping) else list(getattr(model, "inputs", None) or ())
    return dict(zip(input_names(model) or [one.name for one in tensors], tensors, strict=True))


def layer_of_tensor(tensor: Any) -> Any:
    """Return the layer that gave a symbolic tensor; None for anything else."""
    if all(kind.__name__ != "KerasTensor" for kind in type(tensor).__mro__):
        return None
    history = getattr(tensor, "_keras_history", None) or getattr(tensor, "node", None)
    return getattr(history, "operation", None) or getattr(history, "layer", None)


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
