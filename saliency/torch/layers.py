"""Find a layer of a model by name, set hooks on it and record its output."""

import difflib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from saliency.core.errors import TargetError

NOT_CALLED = "was not called in the forward pass (exported and traced models call no layers)"


def describe_layer(layer: str | torch.nn.Module) -> str:
    """Return a layer's description in error messages."""
    return f"layer {layer!r}" if isinstance(layer, str) else f"layer ({type(layer).__name__})"


def find_layer(model: torch.nn.Module, layer: str | torch.nn.Module, option: str = "layer") -> torch.nn.Module:
    """Return a layer of the model.

    Args:
        model: the module that contains the layer.
        layer: its name, such as ``features.3``, or the module itself.
        option: the name of the user's option in error messages.

    Raises:
        TargetError: if the model does not contain the layer; the message lists the nearest names.
    """
    named = dict(model.named_modules())
    if isinstance(layer, torch.nn.Module):
        if all(layer is not module for module in named.values()):
            raise TargetError(
                f"`{option}` ({type(layer).__name__}) must be a part of the model; this object is not. Pass a layer's name, "
                "or one of model.modules()"
            )
        return layer
    if not isinstance(layer, str) or layer not in named:
        names = [name for name in named if name]
        near = difflib.get_close_matches(str(layer), names, n=3, cutoff=0.3) or names[-3:]
        raise TargetError(
            f"`{option}` (={layer!r}) must be one of the model's {len(names)} layers; nearest: {', '.join(near)}"
        )
    module: torch.nn.Module = named[layer]
    return module


@contextmanager
def forward_hooks(
    layer: torch.nn.Module, after: Callable[..., Any], before: Callable[..., Any] | None = None, name: str | None = None
) -> Iterator[None]:
    """Call one hook after a layer and, if given, another before it with all of its arguments, for the duration of a block.

    Args:
        layer: the layer.
        after: a hook as for ``register_forward_hook``.
        before: a hook as for ``register_forward_pre_hook`` with keyword arguments.
        name: the layer's name in error messages; None describes it by its type.

    Raises:
        TargetError: if the layer accepts no hooks.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(layer.register_forward_hook(after))
            if before is not None:
                stack.enter_context(layer.register_forward_pre_hook(before, with_kwargs=True))
        except RuntimeError as error:
            raise TargetError(
                f"{describe_layer(name or layer)} cannot be read, because it accepts no hooks: {error}. Pass the model before "
                "torch.jit.script"
            ) from error
        yield


@contextmanager
def record_layer_output(model: torch.nn.Module, layer: str | torch.nn.Module) -> Iterator[list[Any]]:
    """Collect a layer's outputs in this thread, one for each call of the layer in the block."""
    module, calls, thread = find_layer(model, layer), [], threading.get_ident()

    def record(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:  # a copy, because an in-place ReLU may overwrite the original
            calls.append(output.clone() if isinstance(output, torch.Tensor) else output)

    with forward_hooks(module, record, name=layer if isinstance(layer, str) else None):
        yield calls


def single_output(calls: list[Any], layer: str | torch.nn.Module) -> torch.Tensor:
    """Return the only recorded output of a layer.

    Raises:
        TargetError: if the layer was not called exactly once, or did not return a tensor.
    """
    name = f"layer {(layer if isinstance(layer, str) else type(layer).__name__)!r}"
    if not calls:
        raise TargetError(f"{name} {NOT_CALLED}; a target needs a layer that is called once")
    if len(calls) > 1:
        raise TargetError(
            f"{name} was called {len(calls)} times in one forward pass; a target needs a layer that is called once"
        )
    if not isinstance(calls[0], torch.Tensor):
        raise TargetError(f"{name} returns a {type(calls[0]).__name__}; a target needs one tensor (N, channels, ...)")
    return calls[0]
