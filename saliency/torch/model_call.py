"""Call a module with the explained input, and with its other inputs by name."""

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import torch

from saliency.core.errors import InputError
from saliency.core.keras.inputs import call_in_inference_mode, input_names
from saliency.core.keras.layers import is_keras
from saliency.core.validation import as_index

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ModelCall:
    """Call a module; a Keras model is called in inference mode.

    Args:
        model: the module.
        input: the explained input: the name or position of an argument of ``forward``, or a key of the dictionary that
            ``forward`` accepts as its only required argument. None means the first argument. For a Keras model, the name or
            position of one of its inputs, or of an argument of ``call``; None means the first one that is not named.

    Raises:
        InputError: if ``forward`` has no such argument.
    """

    def __init__(self, model: torch.nn.Module, input: str | int | None = None) -> None:
        self.model = model
        self.input: str | None = None
        self._keys: frozenset[str] | None = None  # names of arguments, if the inputs go into one dictionary
        self._inference = {"training": False} if is_keras(model) else {}
        self._names = input_names(model) if is_keras(model) else []  # of a functional Keras model
        position = as_index(input)
        if input is not None and self._names:
            self.input = self._named_input(input if position is None else position)
        elif input is not None and position != 0:
            self._choose(input if position is None else position)

    def __call__(self, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
        """Return the model's outputs for inputs (N, *input) and the other inputs by name."""
        if self._names:
            return call_in_inference_mode(self.model, x, feed, self.input)
        if self.input is None:
            return self.model(x, **self._inference, **feed)
        if self._keys is None:
            return self.model(**{self.input: x}, **self._inference, **feed)
        inputs = {self.input: x, **{name: feed[name] for name in feed if name not in self._keys}}
        arguments = {name: value for name, value in feed.items() if name in self._keys}
        return self.model(inputs, **self._inference, **arguments)

    @property
    def hint(self) -> str:
        """A hint for a failed forward pass of a model that received a dictionary, or an empty string."""
        if self._keys is None:
            return ""
        return (
            f". `input` (={self.input!r}) is not an argument of the model's forward method "
            f"({', '.join(sorted(self._keys))}), so the model received a dictionary with this key"
        )

    def _named_input(self, choice: Any) -> str:
        name = self._names[choice] if isinstance(choice, int) and 0 <= choice < len(self._names) else choice
        if name not in self._names:
            listed = ", ".join(map(repr, self._names))
            raise InputError(f"`input` (={choice!r}) must be the name or position of one of the model's inputs: {listed}")
        return str(name)

    def _choose(self, choice: Any) -> None:
        parameters = _parameters(self.model)
        names = [name for name, one in parameters.items() if one.kind in POSITIONAL]
        if isinstance(choice, int) and 0 <= choice < len(names):
            self.input = names[choice]
            return
        keywords = [*names, *(name for name, one in parameters.items() if one.kind == inspect.Parameter.KEYWORD_ONLY)]
        required = [name for name in keywords if parameters[name].default is inspect.Parameter.empty]
        open_ended = any(one.kind == inspect.Parameter.VAR_KEYWORD for one in parameters.values())
        if isinstance(choice, str) and choice and (choice in keywords or (open_ended and len(required) != 1)):
            self.input = choice
            return
        if isinstance(choice, str) and choice and (len(required) == 1 or len(names) == 1):
            self.input, self._keys = choice, frozenset(keywords)
            return
        nearest = difflib.get_close_matches(str(choice), keywords, 1)
        hint = f"; nearest: {nearest[0]!r}" if nearest else ""
        raise InputError(
            f"`input` (={choice!r}) must be the name or position of an argument of the model's forward method: "
            f"{', '.join(map(repr, keywords)) or 'it names none'}{hint}"
        )


def _parameters(model: torch.nn.Module) -> dict[str, inspect.Parameter]:
    if isinstance(model, torch.jit.ScriptModule):
        arguments = model.forward.schema.arguments[1:]  # type: ignore[attr-defined] # a method of TorchScript
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = {one.name: None if one.has_default_value() else inspect.Parameter.empty for one in arguments}
        return {one.name: inspect.Parameter(one.name, kind, default=default[one.name]) for one in arguments}
    function: Any = model.call if is_keras(model) else model.forward
    parameters = dict(inspect.signature(function).parameters)
    return {name: one for name, one in parameters.items() if name != "training" or not is_keras(model)}
