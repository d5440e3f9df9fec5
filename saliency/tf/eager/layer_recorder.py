"""Taps, which read what a Keras model's layers give and take while it is traced."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import tensorflow as tf


@dataclass(frozen=True, eq=False)
class InputOf:
    """Stands for a layer where its input is wanted, and not its output."""

    layer: Any


@contextmanager
def tapped(layers: Iterable[Any]) -> Iterator[list[tuple[Any, Any]]]:
    """Collect what layers give in this thread, in the order of their calls: pairs of a layer and its output.

    An ``InputOf`` among the layers is paired with the first tensor that its layer is called with. A layer's ``call`` is
    replaced on the one object, past everything that tracks its attributes, until the block ends. What comes out of it, or
    goes into it, is an identity of the tensor, which the rest of the model goes on with.
    """
    calls: list[tuple[Any, Any]] = []
    thread, replaced = threading.get_ident(), []
    try:
        for wanted in layers:
            layer, tap = (wanted.layer, _tap_input) if isinstance(wanted, InputOf) else (wanted, _tap)
            replaced.append((layer, vars(layer).get("call")))  # an operator's layer has one of its own
            object.__setattr__(layer, "call", tap(wanted, layer.call, calls, thread))
        yield calls
    finally:
        for layer, own in reversed(replaced):  # a layer may be tapped twice
            if own is None:
                vars(layer).pop("call", None)
            else:
                object.__setattr__(layer, "call", own)


def _tap(layer: Any, call: Any, calls: list[tuple[Any, Any]], thread: int) -> Any:
    @wraps(call)  # Keras looks for `training` and `mask` in its signature
    def tap(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        if threading.get_ident() != thread:
            return output
        output = _identity(output)
        calls.append((layer, output))
        return output

    return tap


def _tap_input(wanted: Any, call: Any, calls: list[tuple[Any, Any]], thread: int) -> Any:
    @wraps(call)
    def tap(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return call(*args, **kwargs)
        given = [*args, *kwargs.values()]
        own = next((one for one in given if isinstance(one, tf.Tensor)), given[0] if given else None)
        handed = _identity(own)
        calls.append((wanted, handed))
        named = {name: handed if one is own else one for name, one in kwargs.items()}
        return call(*(handed if one is own else one for one in args), **named)

    return tap


def _identity(value: Any) -> Any:
    """Return an identity of a tensor, with its mask: which steps of a sequence count, for the layers that follow."""
    if not isinstance(value, tf.Tensor):
        return value
    mask, identity = getattr(value, "_keras_mask", None), tf.identity(value)
    if mask is not None:
        identity._keras_mask = mask
    return identity
