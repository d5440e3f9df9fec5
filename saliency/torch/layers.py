"""Find a layer of a model by name, set hooks on it and record its output."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from saliency.core.errors import TargetError
from saliency.core.keras.layers import is_keras, path_named, paths_matching
from saliency.core.layer_entries import describe_output, read_entry, split_entry
from saliency.core.undo import Undo, undoable
from saliency.torch.module_tree import named_modules

NOT_CALLED = "was not called in the forward pass (exported and traced models call no layers)"


def describe_layer(layer: str | torch.nn.Module) -> str:
    """Return a layer's description in error messages."""
    return f"layer {layer!r}" if isinstance(layer, str) else f"layer ({type(layer).__name__})"


def find_layer(model: torch.nn.Module, layer: str | torch.nn.Module, option: str = "layer") -> torch.nn.Module:
    """Return a layer of the model.

    Args:
        model: the module that contains the layer.
        layer: its name, such as ``features.3``, or the module itself. For a Keras model, the path or name of a Keras layer.
        option: the name of the user's option in error messages.

    Raises:
        TargetError: if the model does not contain the layer; the message lists the nearest names.
    """
    named = named_modules(model)
    if isinstance(layer, torch.nn.Module):
        if all(layer is not module for module in named.values()):
            raise TargetError(
                f"`{option}` ({type(layer).__name__}) must be a part of the model; this object is not. Pass a layer's name, "
                "or one of model.modules()"
            )
        return layer
    if isinstance(layer, str) and not layer:
        return model
    del named[""]
    return named[path_named(layer, named, option)]


class LayerPlace(NamedTuple):
    """A layer of a model, and which entry of its output is meant.

    Args:
        module: the layer.
        entry: the path of an entry of the structure that the layer returns, see ``read_entry``; empty for a single tensor.
    """

    module: torch.nn.Module
    entry: str = ""


def find_place(model: torch.nn.Module, layer: str | torch.nn.Module, option: str = "layer") -> LayerPlace:
    """Return a layer of the model, and the entry of its output that a path behind its name selects; see ``find_layer``."""
    if not isinstance(layer, str):
        return LayerPlace(find_layer(model, layer, option))
    found = _at_path(model, layer)
    if found is not None:
        return LayerPlace(found)
    named = named_modules(model)
    if layer and layer in named:
        return LayerPlace(named[layer])
    names = [name for name in named if name]
    name, entry = split_entry(layer, lambda name: bool(paths_matching(name, names)))
    return LayerPlace(find_layer(model, name, option), entry)


def _at_path(model: torch.nn.Module, path: str) -> torch.nn.Module | None:
    """Return the module at a path of Torch's own names, without a list of all modules; None if there is none."""
    module: torch.nn.Module | None = model
    for name in path.split("."):
        if module is None or is_keras(module) or isinstance(module, torch.jit.ScriptModule):
            return None
        module = module._modules.get(name)
    return None if module is None or is_keras(module) else module


@undoable
def forward_hooks(
    undo: Undo,
    layer: torch.nn.Module,
    after: Callable[..., Any] | None,
    before: Callable[..., Any] | None = None,
    name: str | None = None,
) -> None:
    """Call one hook after a layer, another one before it with all of its arguments, or both, for the duration of a block.

    Args:
        undo: of the block.
        layer: the layer.
        after: a hook as for ``register_forward_hook``, or None.
        before: a hook as for ``register_forward_pre_hook`` with keyword arguments, or None.
        name: the layer's name in error messages; None describes it by its type.

    Raises:
        TargetError: if the layer accepts no hooks.
    """
    undo.add(_remove_hooks, layer, after, before)
    try:
        if after is not None:
            layer.register_forward_hook(after)
        if before is not None:
            layer.register_forward_pre_hook(before, with_kwargs=True)
    except RuntimeError as error:
        raise TargetError(
            f"{describe_layer(name or layer)} cannot be read, because it accepts no hooks: {error}. Pass the model before "
            "torch.jit.script"
        ) from error


def _remove_hooks(layer: torch.nn.Module, *hooks: Callable[..., Any] | None) -> None:
    """Remove hooks by identity, because an interrupt may keep their handles from being returned."""
    attributes = vars(layer)
    for held in (attributes.get("_forward_hooks", {}), attributes.get("_forward_pre_hooks", {})):
        for key in [key for key, hook in list(held.items()) if any(hook is one for one in hooks)]:
            attributes["_forward_pre_hooks_with_kwargs"].pop(key, None)
            held.pop(key, None)


@undoable
def record_layer_outputs(undo: Undo, model: torch.nn.Module, layers: Sequence[str | torch.nn.Module]) -> list[list[Any]]:
    """Collect the outputs of layers in this thread, for each layer one for each of its calls in the block."""
    thread = threading.get_ident()

    def record(calls: list[Any], entry: str, _module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:  # a copy, because an in-place ReLU may overwrite the original
            value = read_entry(output, entry)
            calls.append(value.clone() if isinstance(value, torch.Tensor) else value)

    recorded: list[list[Any]] = [[] for _ in layers]
    for layer, calls in zip(layers, recorded, strict=True):
        name, place = layer if isinstance(layer, str) else None, find_place(model, layer)
        undo.enter(forward_hooks(place.module, partial(record, calls, place.entry), name=name))
    return recorded


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
        raise TargetError(f"{name} returns a {describe_output(calls[0])}; a target needs one tensor (N, channels, ...)")
    return calls[0]
