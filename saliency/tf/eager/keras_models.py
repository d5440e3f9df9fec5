"""Call Keras 3 and Keras 2 models with one explained input, and the others by name."""

from collections.abc import Mapping
from typing import Any

from saliency.core.argument_binding import ArgumentBinding
from saliency.core.errors import InputError
from saliency.core.keras.inputs import call_in_inference_mode, input_names, keras_parameters
from saliency.core.validation import shown
from saliency.core.wrap import refuse_other_backends
from saliency.tf.eager.functions import ModelCall


def keras_call(model: Any, x_name: str | None) -> ModelCall:
    """Return a Keras model's ``ModelCall``, in inference mode.

    Raises:
        ModelError: if the model runs on another backend.
        InputError: if the model has no input named ``x_name``.
    """
    refuse_other_backends(model, supported=("tensorflow",))
    known = input_names(model)
    if x_name is not None and known and x_name not in known:
        raise InputError(f"`x_name` (={shown(x_name)}) must be one of the model's inputs: {', '.join(map(repr, known))}")

    binding = None if known else ArgumentBinding(keras_parameters(model), x_name, "the model's call method")

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        if binding is not None:
            args, arguments = binding.bind(x, feed)
            return model(*args, training=False, **arguments)
        return call_in_inference_mode(model, x, feed, x_name)

    return call


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
