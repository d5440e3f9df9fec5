"""Weights from a file, by the ways that run no code."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from saliency.core.errors import InputError
from saliency.nets.fit import check_file, check_fit


def load_weights(model: torch.nn.Module, file: str | Path) -> None:
    """Fill a model with the weights of a file.

    Args:
        model: changed in place; its own floating type is kept.
        file: safetensors, or a plain state dict that ``torch.load(weights_only=True)`` takes.

    Raises:
        InputError: if the file is missing, is neither, or its names or shapes are not the model's.
    """
    state = {name.removeprefix("module."): tensor for name, tensor in _read(Path(file)).items()}
    own = model.state_dict()
    check_fit(file, _shapes(state), _shapes(own), type(model).__name__)
    model.load_state_dict(own | state)


def _read(file: Path) -> Mapping[str, torch.Tensor]:
    check_file(file)
    try:
        if file.suffix == ".safetensors":
            tensors: dict[str, torch.Tensor] = load_file(file)
            return tensors
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a file of any other kind: the readers raise KeyError, UnpicklingError, RuntimeError, ...
        raise InputError(
            f"`weights` ({file}) must be safetensors or a plain Torch state dict, which hold numbers and no code; this file "
            f"is neither, or is damaged ({type(error).__name__})"
        ) from error
    named = isinstance(state, Mapping) and all(isinstance(name, str) for name in state)
    if not named or not all(isinstance(value, torch.Tensor) for value in state.values()):
        found = (
            f"a dict of {', '.join(map(str, list(state)[:5]))}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        )
        raise InputError(f"`weights` ({file}) must hold a state dict, tensors by name; it holds {found}")
    return {str(name): tensor for name, tensor in state.items()}


def _shapes(weights: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}
