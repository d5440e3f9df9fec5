"""Call functions, modules and SavedModels with one explained input, and the others by name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.argument_binding import ArgumentBinding, parameters_of
from saliency.core.errors import InputError
from saliency.core.keras.inputs import explained_input_name, required_parameters
from saliency.core.validation import shown

ModelCall: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""Takes x and the other inputs by name; returns the outputs."""


def select_function(model: Any, signature: str | None) -> Callable[..., Any]:
    """Return the function of a model: the model itself, or one of a SavedModel's signatures.

    Raises:
        InputError: if the model can't be called, or has no such signature.
    """
    signatures = getattr(model, "signatures", None)
    if signatures and (signature is not None or not callable(model)):
        names = list(signatures)
        name = signature or ("serving_default" if "serving_default" in names else names[0])
        if name not in names or (signature is None and len(names) > 1 and name != "serving_default"):
            raise InputError(
                f"`signature` (={shown(signature)}) must be one of the SavedModel's: {', '.join(map(repr, names))}"
            )
        selected: Callable[..., Any] = signatures[name]
        return selected
    if signature is not None:
        raise InputError(
            f"`signature` (={shown(signature)}) applies to a SavedModel only; `model` ({type(model).__name__}) has no "
            "signatures: omit `signature`"
        )
    if not callable(model):
        raise InputError(f"`model` ({type(model).__name__}) must be callable, or a SavedModel with signatures")
    function: Callable[..., Any] = model
    return function


def model_call(function: Any, x_name: str | None) -> ModelCall:
    """Return a function's ``ModelCall``, in inference mode if the function has a ``training`` argument."""
    if _has_signature(function):
        return _concrete_function_call(function, x_name)
    return _plain_function_call(function, x_name)


def input_dtype(function: Any, x_name: str | None) -> Any:
    """Return the type of a function's explained input; None if its signature does not specify one."""
    if _has_signature(function):
        specs = _input_specs(function)
        spec = specs.get(x_name) if x_name else next(iter(specs.values()), None)
    else:
        signature = getattr(function, "input_signature", None) or getattr(function.__call__, "input_signature", None)
        spec = signature[0] if signature and not x_name else None
    return getattr(spec, "dtype", None)


def function_parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return a function's inputs by name, as parameters; all inputs of a concrete function are required."""
    if _has_signature(function):
        return required_parameters(_input_specs(function))
    python = getattr(function, "python_function", None) or function
    return parameters_of(python, without=("self", "training"))


def _has_signature(function: Any) -> bool:
    return getattr(function, "structured_input_signature", None) is not None  # a pruned function has none


def _input_specs(function: Any) -> dict[str, Any]:
    args, kwargs = function.structured_input_signature
    positional = {getattr(spec, "name", None) or f"argument {i}": spec for i, spec in enumerate(args)}
    return {name: spec for name, spec in {**positional, **kwargs}.items() if isinstance(spec, tf.TensorSpec)}


def _concrete_function_call(function: Any, x_name: str | None) -> ModelCall:
    """Return the call of a concrete function, which passes the inputs in its order and types."""
    specs, keyword_specs = _input_specs(function), function.structured_input_signature[1]

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        inputs = {explained_input_name(list(specs), feed, x_name): x, **feed}
        cast = {name: tf.cast(inputs[name], spec.dtype) for name, spec in specs.items()}
        positional = [cast.pop(name) for name in specs if name not in keyword_specs]
        return function(*positional, **cast)

    return call


def _plain_function_call(function: Callable[..., Any], x_name: str | None) -> ModelCall:
    python = getattr(function, "python_function", None) or function
    inference = {"training": False} if "training" in parameters_of(python) else {}
    binding = ArgumentBinding(function_parameters(function), x_name, "the model")

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        args, arguments = binding.bind(x, feed)
        return function(*args, **arguments, **inference)

    return call
