"""Record the inputs and outputs of a Keras model's layers while the model is traced."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

import tensorflow as tf

from saliency.core.layer_entries import read_entry
from saliency.core.nested_outputs import replace_array
from saliency.core.undo import Undo, undoable

RecordedCalls: TypeAlias = list[tuple[Any, Any]]
"""Pairs of a layer, a ``LayerInput`` or a ``LayerEntry``, and its recorded tensor, in the order of the calls."""


@dataclass(frozen=True, eq=False)
class LayerInput:
    """A layer whose input is recorded, rather than its output."""

    layer: Any


@dataclass(frozen=True)
class LayerEntry:
    """A layer of whose output, a structure, one entry is recorded; see ``read_entry``."""

    layer: Any
    entry: str


@undoable
def record_layers(undo: Undo, layers: Iterable[Any]) -> RecordedCalls:
    """Record the outputs of layers that are called in this thread within the block.

    For a ``LayerInput``, record the first tensor that its layer is called with. For a ``LayerEntry``, record the entry. Until
    the block ends, the instance's ``call`` is replaced, without the attribute tracking of Keras. The recorded tensor is an
    identity of the original, and the rest of the model continues from this identity.
    """
    calls: RecordedCalls = []
    thread = threading.get_ident()
    for recorded in layers:
        layer = recorded.layer if isinstance(recorded, LayerInput | LayerEntry) else recorded
        wrap = _record_input if isinstance(recorded, LayerInput) else _record_output
        undo.add(_restore_call, layer, vars(layer).get("call"))  # layers of operators have a `call` on the instance
        object.__setattr__(layer, "call", wrap(recorded, layer.call, calls, thread))
    return calls


def _restore_call(layer: Any, original: Any) -> None:
    if original is None:
        vars(layer).pop("call", None)
    else:
        object.__setattr__(layer, "call", original)


def _record_output(recorded: Any, call: Any, calls: RecordedCalls, thread: int) -> Callable[..., Any]:
    entry = recorded.entry if isinstance(recorded, LayerEntry) else ""

    @wraps(call)  # Keras looks for `training` and `mask` in the signature
    def recorder(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if threading.get_ident() != thread:
            return output
        value = read_entry(output, entry)
        identity = _identity(value)
        calls.append((recorded, identity))
        return replace_array(output, value, identity)

    return recorder


def _record_input(layer_input: LayerInput, call: Any, calls: RecordedCalls, thread: int) -> Callable[..., Any]:
    @wraps(call)
    def recorder(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return call(*args, **kwargs)
        values = [*args, *kwargs.values()]
        original = next((value for value in values if isinstance(value, tf.Tensor)), values[0] if values else None)
        identity = _identity(original)
        calls.append((layer_input, identity))
        keywords = {name: identity if value is original else value for name, value in kwargs.items()}
        return call(*(identity if value is original else value for value in args), **keywords)

    return recorder


def _identity(value: Any) -> Any:
    """Return an identity of a tensor. It keeps the tensor's Keras mask, which the next layers need."""
    if not isinstance(value, tf.Tensor):
        return value
    mask, identity = getattr(value, "_keras_mask", None), tf.identity(value)
    if mask is not None:
        identity._keras_mask = mask
    return identity
