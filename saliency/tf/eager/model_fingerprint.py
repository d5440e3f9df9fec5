"""Fingerprint a model, to detect that its layers or their attributes have changed."""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import tensorflow as tf

Fingerprint: TypeAlias = tuple[Any, ...]

MAX_DEPTH = 3
"""How many levels of nested containers are compared."""

CALL_ATTRIBUTES = {"_called", "_call_context_args", "_inbound_nodes", "_outbound_nodes", "_losses", "_loss_ids", "_metrics"}
"""Attributes that a mere call may change, which are ignored."""


class ObjectIdentity:
    """Equals another ``ObjectIdentity`` only if both are of the same, living object. It does not keep the object alive."""

    def __init__(self, value: Any) -> None:
        self._value = weakref.ref(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectIdentity) and self._value() is not None and self._value() is other._value()

    def __hash__(self) -> int:
        return 0


def fingerprint_of(model: Any, layers: Iterable[Any]) -> Fingerprint:
    """Return a model's parts and their attributes: what its graph depends on, except the values of its variables.

    Args:
        model: a Keras model, a ``tf.Module``, or any other object, whose fingerprint is empty.
        layers: the model's Keras layers.
    """
    parts = list(layers)
    if not parts and isinstance(model, tf.Module):
        parts = list(model.submodules)
    elif not parts:
        return ()
    return tuple(_comparable(vars(part), MAX_DEPTH) for part in (model, *parts))


def _comparable(value: Any, depth: int) -> Any:
    """Return an immutable value that is equal for equal attributes."""
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return type(value), value
    if isinstance(value, Mapping) and depth:
        items = ((key if isinstance(key, str) else "", item) for key, item in value.items())
        return tuple((key, _comparable(item, depth - 1)) for key, item in items if key not in CALL_ATTRIBUTES)
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return tuple(_comparable(item, depth - 1) for item in value)
    try:
        return ObjectIdentity(value)
    except TypeError:  # it supports no weak references
        return type(value).__qualname__
