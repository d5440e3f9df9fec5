"""Weights from a file into a Torch model, by the ways that run no code unless the file is trusted."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from saliency.core.errors import InputError
from saliency.nets.weights_match import check_file, check_fit


def load_weights(model: torch.nn.Module, file: str | Path, trust: bool = False, ignored: tuple[str, ...] = ()) -> None:
    """Fill a model with the weights of a file.

    Args:
        model: changed in place; its own floating type is kept.
        file: safetensors, or a plain state dict that ``torch.load(weights_only=True)`` takes.
        trust: also take a pickled module, whose loading can run any code.
        ignored: beginnings of the names of weights that are passed over.

    Raises:
        InputError: if the file is missing, is neither, or its names or shapes are not the model's.
    """
    state = {name.removeprefix("module."): tensor for name, tensor in _read(Path(file), trust).items()}
    state = {name: tensor for name, tensor in state.items() if not name.startswith(ignored)} if ignored else state
    own = model.state_dict()
    check_fit(file, _shapes(state), _shapes(own), type(model).__name__)
    model.load_state_dict(own | state)


def _read(file: Path, trust: bool) -> Mapping[str, torch.Tensor]:
    check_file(file)
    try:
        if file.suffix == ".safetensors":
            tensors: dict[str, torch.Tensor] = load_file(file)
            return tensors
        state = torch.load(file, map_location="cpu", weights_only=not trust)
    except Exception as error:  # a file of any other kind: the readers raise KeyError, UnpicklingError, RuntimeError, ...
        unless = "" if trust else "; one that holds a whole module can run code when it is loaded, and is only with `trust`"
        raise InputError(
            f"`weights` ({file}) must be safetensors or a plain Torch state dict, which hold numbers and no code; this file "
            f"is neither, or is damaged ({type(error).__name__}){unless}"
        ) from error
    if trust and isinstance(state, torch.nn.Module):
        state = state.state_dict()
    named = isinstance(state, Mapping) and all(isinstance(name, str) for name in state)
    if not named or not all(isinstance(value, torch.Tensor) for value in state.values()):
        found = (
            f"a dict of {', '.join(map(str, list(state)[:5]))}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        )
        raise InputError(f"`weights` ({file}) must hold a state dict, tensors by name; it holds {found}")
    return {str(name): tensor for name, tensor in state.items()}


def _shapes(weights: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}
