"""Functions, modules and SavedModels as functions of their first input and the others by name."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.errors import InputError

Call: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""From x and the other inputs by name to the outputs."""


def function_of(model: Any, signature: str | None) -> Callable[..., Any]:
    """Return what of a model is called: itself, or one of a SavedModel's signatures.

    Raises:
        InputError: if it can't be called, or has no such signature.
    """
    signatures = getattr(model, "signatures", None)
    if signatures and (signature is not None or not callable(model)):
        names = list(signatures)
        name = signature or ("serving_default" if "serving_default" in names else names[0])
        if name not in names or (signature is None and len(names) > 1 and name != "serving_default"):
            raise InputError(f"`signature` (={signature!r}) must be one of the SavedModel's: {', '.join(map(repr, names))}")
        found: Callable[..., Any] = signatures[name]
        return found
    if signature is not None:
        raise InputError(
            f"`signature` (={signature!r}) is for a SavedModel; `model` ({type(model).__name__}) has no signatures"
        )
    if not callable(model):
        raise InputError(f"`model` ({type(model).__name__}) must be a function, or a SavedModel that has signatures")
    function: Callable[..., Any] = model
    return function


def call_of(function: Any, x_name: str | None) -> Call:
    """Tell how a function is called: in inference mode, where it knows any."""
    return _by_name(function, x_name) if hasattr(function, "structured_input_signature") else _plain(function, x_name)


def input_type(function: Any, x_name: str | None) -> Any:
    """Return the type that a function wants its first input in, if it says so."""
    if hasattr(function, "structured_input_signature"):
        specs = _specs(function)
        spec = specs.get(x_name) if x_name else next(iter(specs.values()), None)
    else:
        signature = getattr(function, "input_signature", None) or getattr(function.__call__, "input_signature", None)
        spec = signature[0] if signature and not x_name else None
    return getattr(spec, "dtype", None)


def explained(names: Sequence[str], feed: Mapping[str, Any], x_name: str | None) -> str:
    """Return the name of the input that is explained.

    Raises:
        InputError: if the others are not exactly those of ``feed_dict``.
    """
    first = x_name or next((name for name in names if name not in feed), "")
    if first not in names or set(names) - {first} != set(feed):
        raise InputError(
            f"`feed_dict` (names: {', '.join(map(repr, feed)) or 'none'}) must name all of the model's inputs but the "
            f"explained one; they are {', '.join(map(repr, names))}"
        )
    return first


def _specs(function: Any) -> dict[str, Any]:
    args, kwargs = function.structured_input_signature
    named = {getattr(one, "name", None) or f"argument {i}": one for i, one in enumerate(args)}
    return {name: one for name, one in {**named, **kwargs}.items() if isinstance(one, tf.TensorSpec)}


def _by_name(function: Any, x_name: str | None) -> Call:
    """Call a concrete function with its inputs in its own order and types."""
    specs, named = _specs(function), function.structured_input_signature[1]

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        given = {explained(list(specs), feed, x_name): x, **feed}
        cast = {name: tf.cast(given[name], spec.dtype) for name, spec in specs.items()}
        positional = [cast.pop(name) for name in specs if name not in named]
        return function(*positional, **cast)

    return call


def _plain(function: Callable[..., Any], x_name: str | None) -> Call:
    python = getattr(function, "python_function", None) or function
    try:
        inference = {"training": False} if "training" in inspect.signature(python).parameters else {}
    except (TypeError, ValueError):  # it has no signature
        inference = {}

    def call(x: Any, feed: Mapping[str, Any]) -> Any:
        return function(**{x_name: x}, **feed, **inference) if x_name else function(x, **feed, **inference)

    return call
