"""Keras models, of version 3 and 2, as functions of their first input and the others by name."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from saliency.core.wrap import refuse_other_backends
from saliency.tf.functions import Call, explained

PACKAGES = ("keras", "tf_keras")


def is_keras(model: Any) -> bool:
    """Tell whether a model is Keras's, of version 3 or 2."""
    return any(kind.__name__ == "Layer" and _package(kind) in PACKAGES for kind in type(model).__mro__)


def keras_call(model: Any, x_name: str | None) -> Call:
    """Tell how a Keras model is called, in inference mode.

    Raises:
        ModelError: if it is on another backend.
    """
    refuse_other_backends(model)

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        structure = getattr(model, "_inputs_struct", None)  # a Functional model's, of version 3
        names = list(getattr(model, "input_names", None) or ()) if structure is None else _names(structure)
        if len(names) < 2 and not isinstance(structure, list | tuple | Mapping) and not (feed and names):
            return model(x, training=False, **feed)
        given = {explained(names, feed, x_name): x, **feed}
        return model(given if isinstance(structure, Mapping) else [given[name] for name in names], training=False)

    return call


def _names(structure: Any) -> list[str]:
    return list(structure) if isinstance(structure, Mapping) else [one.name for one in tf.nest.flatten(structure)]


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
