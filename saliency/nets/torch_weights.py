"""Load weights from a file into a Torch model, without running code unless the file is trusted."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from saliency.core.errors import InputError
from saliency.nets.file_rules import DEFAULT_RULES, FileRules
from saliency.nets.weights_check import check_file, check_weights_match, shapes_of


def load_weights(
    model: torch.nn.Module, file: str | Path, rules: FileRules = DEFAULT_RULES, ignored: tuple[str, ...] = ()
) -> None:
    """Load the weights of a file into a model.

    Args:
        model: changed in place; it keeps its floating-point type.
        file: safetensors, or a plain state dict that ``torch.load(weights_only=True)`` accepts.
        rules: the largest size of the file, and whether it may be a pickled module, which can run code when it is loaded.
        ignored: name prefixes of weights in the file to ignore.

    Raises:
        InputError: if the file is missing or too large, has another format, or does not match the model in names or shapes.
    """
    state = {name.removeprefix("module."): tensor for name, tensor in read_weights(Path(file), rules).items()}
    state = {name: tensor for name, tensor in state.items() if not name.startswith(ignored)} if ignored else state
    model_state = model.state_dict()
    check_weights_match(file, shapes_of(state), shapes_of(model_state), type(model).__name__)
    model.load_state_dict(model_state | state)


def read_weights(file: Path, rules: FileRules = DEFAULT_RULES) -> Mapping[str, torch.Tensor]:
    """Return name -> tensor of the weights in a file.

    Args:
        file, rules: see ``load_weights``.

    Raises:
        InputError: if the file is missing or too large, or has another format.
    """
    check_file(file)
    rules.check_size("weights", file)
    try:
        if file.suffix == ".safetensors":
            tensors: dict[str, torch.Tensor] = load_file(file)
            return tensors
        state = torch.load(file, map_location="cpu", weights_only=not rules.trust)
    except Exception as error:  # for other files, the readers raise KeyError, UnpicklingError, RuntimeError, ...
        hint = "" if rules.trust else "; a file with a whole module can run code when it is loaded, and needs `trust`"
        raise InputError(
            f"`weights` ({file}) must be safetensors or a plain Torch state dict, which contain numbers and no code; "
            f"this file is neither, or is damaged ({type(error).__name__}){hint}"
        ) from error
    if rules.trust and isinstance(state, torch.nn.Module):
        state = state.state_dict()
    has_names = isinstance(state, Mapping) and all(isinstance(name, str) for name in state)
    if not has_names or not all(isinstance(value, torch.Tensor) for value in state.values()):
        content = (
            f"a dict of {', '.join(map(str, list(state)[:5]))}" if isinstance(state, Mapping) else f"a {type(state).__name__}"
        )
        raise InputError(f"`weights` ({file}) must contain a state dict, tensors by name; it contains {content}")
    return {str(name): tensor for name, tensor in state.items()}
