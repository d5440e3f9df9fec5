"""A layer of a model, and what it gives in a forward pass."""

import difflib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from saliency.core.errors import TargetError


def name_of(layer: str | torch.nn.Module) -> str:
    """Return what an error calls a layer."""
    return f"layer {layer!r}" if isinstance(layer, str) else f"layer ({type(layer).__name__})"


def find_layer(model: torch.nn.Module, layer: str | torch.nn.Module, option: str = "layer") -> torch.nn.Module:
    """Return a layer of the model by name (``features.3``) or by the object itself; ``option`` is what an error calls it.

    Raises:
        TargetError: if the model does not have it; the message lists the nearest names.
    """
    named = dict(model.named_modules())
    if isinstance(layer, torch.nn.Module):
        if all(layer is not module for module in named.values()):
            raise TargetError(f"`{option}` ({type(layer).__name__}) must be a part of the model; this object is not")
        return layer
    if not isinstance(layer, str) or layer not in named:
        names = [name for name in named if name]
        near = difflib.get_close_matches(str(layer), names, n=3, cutoff=0.3) or names[-3:]
        raise TargetError(
            f"`{option}` (={layer!r}) must be one of the model's {len(names)} layers; nearest: {', '.join(near)}"
        )
    found: torch.nn.Module = named[layer]
    return found


@contextmanager
def layer_output(model: torch.nn.Module, layer: str | torch.nn.Module) -> Iterator[list[Any]]:
    """Collect what a layer gives in this thread, one entry a call of it; its hook goes when the block ends."""
    module, calls, thread = find_layer(model, layer), [], threading.get_ident()

    def keep(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:  # a copy, for an in-place ReLU may overwrite the original
            calls.append(output.clone() if isinstance(output, torch.Tensor) else output)

    try:
        handle = module.register_forward_hook(keep)
    except RuntimeError as error:
        raise TargetError(f"layer {layer!r} can't be read: {error}") from error
    with handle:
        yield calls


def only_call(calls: list[Any], layer: str | torch.nn.Module) -> torch.Tensor:
    """Return the one output of a layer.

    Raises:
        TargetError: if the layer was not called once, or gave no tensor.
    """
    name = layer if isinstance(layer, str) else type(layer).__name__
    if not calls:
        raise TargetError(f"layer {name!r} was not called in the forward pass (exported and traced models call none)")
    if len(calls) > 1:
        raise TargetError(f"layer {name!r} was called {len(calls)} times in one forward pass; a target needs one call")
    if not isinstance(calls[0], torch.Tensor):
        raise TargetError(f"layer {name!r} gives a {type(calls[0]).__name__}; a target needs one tensor (N, channels, ...)")
    return calls[0]
