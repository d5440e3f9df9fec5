"""What each kind of model is: a function of its first input and the others, in some type, with layers or without."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError
from saliency.tf.eager.functions import Call, call_of, function_of, input_type
from saliency.tf.eager.keras_models import is_keras, keras_call


@dataclass(frozen=True)
class Model:
    """A model as a function.

    Args:
        owner: what the user gave, or what was loaded from it.
        call: see ``Call``.
        input_type: what x is cast to; None leaves it in the type that it is counted in.
        counted_in: type of noise, masks and gradients: float32, or float64 if the model is.
        keras: whether the owner has Keras's layers.
    """

    owner: Any
    call: Call
    input_type: Any
    counted_in: Any
    keras: bool = False


def is_saved(model: Any) -> bool:
    """Tell whether it is the folder of a SavedModel."""
    names = ("saved_model.pb", "saved_model.pbtxt")
    return isinstance(model, str | Path) and any((Path(model) / name).is_file() for name in names)


def model_of(model: Any, signature: str | None = None, x_name: str | None = None, output: Any = None) -> Model:
    """Tell how a model is called; see ``KerasAdapter`` for what it and the options may be.

    Raises:
        InputError: if it is nothing that can be called.
        ModelError: for a Keras model on another backend.
    """
    if isinstance(model, str | Path):
        if not is_saved(model):
            raise InputError(f"`model` (={str(model)!r}) must be the folder of a SavedModel, with a saved_model.pb in it")
        model = tf.saved_model.load(str(model))
    types = (tf.as_dtype(variable.dtype) for variable in getattr(model, "variables", ()))
    own = next((one for one in types if one.is_floating), None)
    if is_keras(model) and signature is None:
        return Model(model, _picking(keras_call(model, x_name), output), None, _counted_in(own), keras=True)
    function = function_of(model, signature)
    wanted = input_type(function, x_name) or own
    return Model(model, _picking(call_of(function, x_name), output), wanted, _counted_in(own or wanted))


def _counted_in(dtype: Any) -> Any:
    return tf.float64 if dtype == tf.float64 else tf.float32


def _picking(call: Call, output: Any) -> Call:
    """Pick one of several outputs; the only one of a structure needs no name."""

    def pick(x: Any, feed: Mapping[str, Any]) -> Any:
        found = call(x, feed)
        if output is None:
            flat = tf.nest.flatten(found)
            return flat[0] if len(flat) == 1 else found
        try:
            return found[output]
        except (KeyError, IndexError, TypeError) as error:
            names = list(found) if isinstance(found, Mapping) else list(range(len(tf.nest.flatten(found))))
            raise InputError(f"`output` (={output!r}) must be one of the model's: {', '.join(map(repr, names))}") from error

    return pick
