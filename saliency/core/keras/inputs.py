"""Call Keras models with one explained input, and the others by name."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from saliency.core.argument_binding import nearest_hint, parameters_of
from saliency.core.errors import InputError


def input_names(model: Any) -> list[str]:
    """Return the names of a model's inputs, in the model's order; an empty list for a subclassed model."""
    structure = getattr(model, "_inputs_struct", None)  # of a functional model of Keras 3
    if structure is None:
        return list(getattr(model, "input_names", None) or ())
    return list(structure) if isinstance(structure, Mapping) else [tensor.name for tensor in model.inputs]


def required_parameters(names: Iterable[str]) -> dict[str, inspect.Parameter]:
    """Return names of inputs as required parameters."""
    parameters = (inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD) for _ in names)
    return dict(zip(names, parameters, strict=False))


def keras_parameters(model: Any) -> dict[str, inspect.Parameter]:
    """Return a Keras model's inputs by name, as parameters; those of a subclassed model from its call method."""
    names = input_names(model)
    return required_parameters(names) if names else parameters_of(model.call, without=("training", "mask"))


def explained_input_name(names: Sequence[str], feed: Mapping[str, Any], x_name: str | None) -> str:
    """Return the name of the explained input: ``x_name``, or the first name that ``feed`` lacks.

    Raises:
        InputError: if the other names are not exactly those of ``feed``.
    """
    first = x_name or next((name for name in names if name not in feed), "")
    if first not in names or set(names) - {first} != set(feed):
        missing = ", ".join(repr(name) for name in names if name != first and name not in feed)
        unknown = ", ".join(f"{name!r}{nearest_hint(name, names)}" for name in feed if name not in names)
        raise InputError(
            f"`feed_dict` (names: {', '.join(map(repr, feed)) or 'none'}) must name all of the model's inputs except the "
            f"explained one; the inputs are {', '.join(map(repr, names))}"
            f"{missing and f'; missing: {missing}'}{unknown and f'; unknown: {unknown}'}"
        )
    return first


def call_in_inference_mode(model: Any, x: Any, feed: Mapping[str, Any], x_name: str | None = None) -> Any:
    """Return a model's outputs for an input and the others by name, in the structure that the model accepts.

    Args:
        model: a Keras model or layer.
        x: (N, *input).
        feed: the other inputs by name.
        x_name: the explained input; None means the first one that ``feed`` does not name.

    Raises:
        InputError: if ``feed`` does not name exactly the other inputs.
    """
    structure, names = getattr(model, "_inputs_struct", None), input_names(model)
    if len(names) < 2 and not isinstance(structure, list | tuple | Mapping) and not (feed and names):
        return model(x, training=False, **feed)
    inputs = {explained_input_name(names, feed, x_name): x, **feed}
    return model(inputs if isinstance(structure, Mapping) else [inputs[name] for name in names], training=False)
