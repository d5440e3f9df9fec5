"""Call Keras 3 and Keras 2 models with one explained input, and the others by name."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError
from saliency.core.wrap import refuse_other_backends
from saliency.tf.eager.functions import ModelCall, explained_input_name

PACKAGES = ("keras", "tf_keras")


def is_keras(model: Any) -> bool:
    """Tell whether an object is a model or layer of Keras 3 or Keras 2."""
    return any(kind.__name__ == "Layer" and _package(kind) in PACKAGES for kind in type(model).__mro__)


def keras_call(model: Any, x_name: str | None) -> ModelCall:
    """Return a Keras model's ``ModelCall``, in inference mode.

    Raises:
        ModelError: if the model runs on another backend.
        InputError: if the model has no input named ``x_name``.
    """
    refuse_other_backends(model)
    known = input_names(model)
    if x_name is not None and known and x_name not in known:
        raise InputError(f"`x_name` (={x_name!r}) must be one of the model's inputs: {', '.join(map(repr, known))}")

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        structure, names = getattr(model, "_inputs_struct", None), input_names(model)
        if len(names) < 2 and not isinstance(structure, list | tuple | Mapping) and not (feed and names):
            return model(x, training=False, **feed)
        inputs = {explained_input_name(names, feed, x_name): x, **feed}
        return model(inputs if isinstance(structure, Mapping) else [inputs[name] for name in names], training=False)

    return call


def input_names(model: Any) -> list[str]:
    """Return the names of a model's inputs, in the model's order; an empty list for a subclassed model."""
    structure = getattr(model, "_inputs_struct", None)  # of a functional model of Keras 3
    if structure is None:
        return list(getattr(model, "input_names", None) or ())
    return list(structure) if isinstance(structure, Mapping) else [tensor.name for tensor in tf.nest.flatten(structure)]


def input_tensors(model: Any) -> dict[str, Any]:
    """Return the symbolic input tensors of a model by name, in the model's order; none for a subclassed model."""
    structure = getattr(model, "_inputs_struct", None)
    tensors = list(structure.values()) if isinstance(structure, Mapping) else list(getattr(model, "inputs", None) or ())
    return dict(zip(input_names(model) or [tensor.name for tensor in tensors], tensors, strict=True))


def layer_of_tensor(tensor: Any) -> Any:
    """Return the layer that outputs a symbolic tensor; None for any other object."""
    if all(kind.__name__ != "KerasTensor" for kind in type(tensor).__mro__):
        return None
    history = getattr(tensor, "_keras_history", None) or getattr(tensor, "node", None)
    return getattr(history, "operation", None) or getattr(history, "layer", None)


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
