"""Represent every kind of model as a function of the explained input and the other inputs."""

import inspect
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from saliency.core.errors import InputError, ModelError
from saliency.core.joined_inputs import InputLayout
from saliency.core.keras.inputs import keras_parameters
from saliency.core.keras.layers import is_keras
from saliency.core.nested_outputs import arrays_of
from saliency.core.output_selection import OutputSelector
from saliency.tf.eager.functions import ModelCall, function_parameters, input_dtype, model_call, select_function
from saliency.tf.eager.keras_models import keras_call


@dataclass(frozen=True)
class ModelFunction:
    """A model as a function.

    Args:
        owner: the user's object, or the object loaded from the user's folder.
        call: see ``ModelCall``.
        input_dtype: type that x is cast to; None keeps ``float_dtype``.
        float_dtype: type of inputs, noise, masks and gradients: float64 if the model has this type, else float32.
        parameters: the model's inputs by name, as parameters of a function.
        is_keras: whether the owner has Keras layers.
    """

    owner: Any
    call: ModelCall
    input_dtype: Any
    float_dtype: Any
    parameters: Mapping[str, inspect.Parameter]
    is_keras: bool = False


def is_saved_model(model: Any) -> bool:
    """Tell whether an object is the path of a SavedModel's folder."""
    names = ("saved_model.pb", "saved_model.pbtxt")
    return isinstance(model, str | Path) and any(os.path.isfile(f"{model}/{name}") for name in names)


def model_function(
    model: Any,
    signature: str | None = None,
    x_name: str | InputLayout | None = None,
    output: Any = None,
    trust: bool = False,
) -> ModelFunction:
    """Return a model as a function; see ``KerasAdapter`` for the arguments.

    Raises:
        InputError: if the object can't be called, or is a folder that is not trusted.
        ModelError: for a Keras model on another backend, and for a Keras 2 model that was never called.
    """
    if isinstance(model, str | Path):
        if not is_saved_model(model):
            raise InputError(f"`model` (={str(model)!r}) must be the folder of a SavedModel, which contains saved_model.pb")
        if not trust:
            raise InputError(
                f"`model` (={str(model)!r}) is a SavedModel, whose operations can read and write files when it is loaded or "
                "called: use saliency.wrap(folder, trust=True) only if you trust its source"
            )
        model = tf.saved_model.load(str(model))
    types = (tf.as_dtype(variable.dtype) for variable in _variables(model))
    variable_dtype = next((dtype for dtype in types if dtype.is_floating), None)
    layout = x_name if isinstance(x_name, InputLayout) else None
    name = x_name.names[0] if isinstance(x_name, InputLayout) else x_name
    if is_keras(model) and signature is None:
        call = _select_output(_split_joined(keras_call(model, name), layout), output)
        parameters = keras_parameters(model)
        return ModelFunction(model, call, None, _float_dtype(variable_dtype), parameters, is_keras=True)
    function = select_function(model, signature)
    dtype = input_dtype(function, name) or variable_dtype
    call = _select_output(_split_joined(model_call(function, name), layout), output)
    return ModelFunction(model, call, dtype, _float_dtype(variable_dtype or dtype), function_parameters(function))


def _split_joined(call: ModelCall, layout: InputLayout | None) -> ModelCall:
    """Return a call with joined inputs (N, D), from the call with the first of them and the others by name."""
    if layout is None:
        return call

    def split_and_call(x: Any, feed: Mapping[str, Any]) -> Any:
        flat = tf.split(x, layout.sizes, axis=1)
        parts = layout.named(tf.reshape(part, (-1, *shape)) for part, shape in zip(flat, layout.shapes, strict=True))
        return call(parts.pop(layout.names[0]), {**parts, **feed})

    return split_and_call


def _variables(model: Any) -> Iterable[Any]:
    try:
        return getattr(model, "variables", ())
    except ValueError as error:
        raise ModelError(
            f"the model ({type(model).__name__}) has no weights yet: call it once on inputs, or call its build(input_shape)"
        ) from error


def _float_dtype(dtype: Any) -> Any:
    return tf.float64 if dtype == tf.float64 else tf.float32


def _select_output(call: ModelCall, output: Any) -> ModelCall:
    """Return a call that selects one of several outputs. The only output in a structure needs no name."""
    selector = OutputSelector(output)

    def call_and_select(x: Any, feed: Mapping[str, Any]) -> Any:
        outputs = call(x, feed)
        found = list(arrays_of(outputs)) if selector.choice is None else []
        return found[0][1] if len(found) == 1 else selector.select(outputs, None, of_class=False)

    return call_and_select
