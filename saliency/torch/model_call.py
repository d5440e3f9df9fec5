"""Call a module with the explained input, and with its other inputs by name."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from saliency.core.argument_binding import ArgumentBinding, parameters_of
from saliency.core.errors import InputError
from saliency.core.joined_inputs import InputLayout
from saliency.core.keras.inputs import call_in_inference_mode, input_names, keras_parameters
from saliency.core.keras.layers import is_keras
from saliency.core.validation import as_index


class ModelCall:
    """Call a module; a Keras model is called in inference mode.

    Args:
        model: the module.
        input: the explained input, see ``ArgumentBinding``; or the layout of several inputs in one tensor (N, D). For a Keras
            model, the name or position of one of its inputs, or of an argument of ``call``.

    Raises:
        InputError: if ``forward`` has no such argument.
    """

    def __init__(self, model: torch.nn.Module, input: str | int | InputLayout | None = None) -> None:
        self.model = model
        self.layout = input if isinstance(input, InputLayout) else None
        self._inference = {"training": False} if is_keras(model) else {}
        self._names = input_names(model) if is_keras(model) else []  # of a functional Keras model
        choice = input.names if isinstance(input, InputLayout) else input
        if self._names and choice is not None and self.layout is None:
            choice = self._named_input(choice)
        self._binding = ArgumentBinding(forward_parameters(model), choice)

    def __call__(self, x: torch.Tensor, feed: Mapping[str, Any]) -> Any:
        """Return the model's outputs for inputs (N, *input) and the other inputs by name."""
        if self.layout is not None:
            parts = split_joined(self.layout, x)
            x, feed = parts.pop(self.layout.names[0]), {**parts, **feed}
        if self._names:
            return call_in_inference_mode(self.model, x, feed, self._binding.input)
        args, arguments = self._binding.bind(x, feed)
        return self.model(*args, **self._inference, **arguments)

    @property
    def input(self) -> str | InputLayout | None:
        """The explained input, or the layout of several; None for the first argument."""
        return self._binding.input if self.layout is None else self.layout

    def _named_input(self, choice: Any) -> str:
        position = as_index(choice)
        name = self._names[position] if position is not None and 0 <= position < len(self._names) else choice
        if name not in self._names:
            listed = ", ".join(map(repr, self._names))
            raise InputError(f"`input` (={choice!r}) must be the name or position of one of the model's inputs: {listed}")
        return str(name)

    def hint(self, feed: Mapping[str, Any]) -> str:
        """Return a hint for a failed forward pass with the other inputs, or an empty string."""
        return self._binding.hint([*feed, *(() if self.layout is None else self.layout.names)])


def split_joined(layout: InputLayout, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Split joined inputs (N, D) into contiguous copies by name, which the model may overwrite."""
    parts = torch.split(x, layout.sizes, dim=1)
    copies = (part.reshape(len(x), *shape).clone() for part, shape in zip(parts, layout.shapes, strict=True))
    return layout.named(part.contiguous() for part in copies)


def forward_parameters(model: torch.nn.Module) -> dict[str, inspect.Parameter]:
    """Return the parameters of a module's forward method by name."""
    if isinstance(model, torch.jit.ScriptModule):
        arguments = model.forward.schema.arguments[1:]  # type: ignore[attr-defined] # a method of TorchScript
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = {one.name: None if one.has_default_value() else inspect.Parameter.empty for one in arguments}
        return {one.name: inspect.Parameter(one.name, kind, default=default[one.name]) for one in arguments}
    return keras_parameters(model) if is_keras(model) else parameters_of(model.forward)
