"""What a model is made of, to tell whether it is another one by now."""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

State: TypeAlias = tuple[Any, ...]

DEPTH = 3
"""Of lists in lists, and of dictionaries."""

PASSING = {"_called", "_call_context_args", "_inbound_nodes", "_outbound_nodes", "_losses", "_loss_ids", "_metrics"}
"""Attributes that a mere call may change."""


class Same:
    """An object that equals another one only if both are this very object, and it is alive; nothing is kept alive by it."""

    def __init__(self, value: Any) -> None:
        self._value = weakref.ref(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._value() is not None and self._value() is other._value()

    def __hash__(self) -> int:
        return 0


def state_of(model: Any, layers: Iterable[Any]) -> State:
    """Return what a model's graph depends on, beside the values of its variables: its parts and their attributes.

    Args:
        model: a Keras model, a ``tf.Module``, or anything else, of which nothing is known.
        layers: its Keras layers.
    """
    parts = list(layers)
    if not parts and isinstance(model, tf.Module):
        parts = list(model.submodules)
    elif not parts:
        return ()
    return tuple(_frozen(vars(part), DEPTH) for part in (model, *parts))


def _frozen(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return type(value), value
    if isinstance(value, Mapping) and depth:
        named = ((key if isinstance(key, str) else "", one) for key, one in value.items())
        return tuple((key, _frozen(one, depth - 1)) for key, one in named if key not in PASSING)
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return tuple(_frozen(one, depth - 1) for one in value)
    try:
        return Same(value)
    except TypeError:  # no weak references to it
        return type(value).__qualname__
