"""Restore attributes that a model's Python code assigns while it is traced, which would keep tensors of a finished graph."""

from collections import deque
from collections.abc import Iterable
from operator import is_
from typing import Any

import tensorflow as tf

from saliency.core.class_snapshot import ClassSnapshot, stateful_classes
from saliency.core.container_snapshot import SequenceSnapshot, SetSnapshot, Snapshot, may_hold_state, restore_mapping
from saliency.core.undo import Undo, undoable

MAX_DEPTH = 4
"""How many levels of containers and objects inside a layer are recorded."""

MAX_ELEMENTS = 1000
"""Largest container whose elements are inspected."""


class PartSnapshot:
    """The attributes of a layer or module, by identity, and the contents of the containers in them.

    Args:
        part: the layer or module, without its own layers.
    """

    def __init__(self, part: Any) -> None:
        self._mappings: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._others: list[Snapshot] = []
        self._wrappers: list[Any] = []
        self._recorded: dict[int, Any] = {}  # id -> the object, which keeps the id from being used again
        self._add_attributes(vars(part), MAX_DEPTH)
        self._add_classes(type(part), MAX_DEPTH)

    def restore(self) -> None:
        """Restore the attributes, unless the part was built in the meantime: its new variables must stay."""
        if any(_has_new_variables(mapping, copy) for mapping, copy in self._mappings):
            return
        changed = [restore_mapping(mapping, copy) for mapping, copy in self._mappings]
        changed += [each.restore() for each in self._others]
        for wrapper in self._wrappers if any(changed) else ():
            wrapper._update_snapshot()  # otherwise a checkpoint would report a foreign change

    def _add_attributes(self, attributes: dict[Any, Any], depth: int) -> None:
        self._mappings.append((attributes, dict(attributes)))
        self._add_all(attributes.values(), depth)

    def _add_classes(self, kind: type, depth: int) -> None:
        for each in stateful_classes(kind):
            snapshot = ClassSnapshot(each)
            self._others.append(snapshot)
            self._add_all(snapshot.attributes.values(), depth)

    def _add_all(self, values: Iterable[Any], depth: int) -> None:
        for value in list(values):
            if depth and id(value) not in self._recorded:
                self._add(value, depth - 1)

    def _add(self, value: Any, depth: int) -> None:
        self._recorded[id(value)] = value
        wrapped = value.__dict__.get("_storage") if hasattr(value, "_update_snapshot") else None  # TensorFlow's lists
        wrapped = getattr(value, "__wrapped__", None) if wrapped is None and hasattr(value, "_update_snapshot") else wrapped
        if wrapped is not None:
            self._wrappers.append(value)
            value = wrapped
        if isinstance(value, dict):
            self._mappings.append((value, dict(value)))
            self._add_all(value.values() if len(value) <= MAX_ELEMENTS else (), depth)
        elif isinstance(value, list | deque):
            self._others.append(SequenceSnapshot(value))
            self._add_all(value if len(value) <= MAX_ELEMENTS else (), depth)
        elif isinstance(value, tuple):
            self._add_all(value, depth)
        elif isinstance(value, set):
            self._others.append(SetSnapshot(value))
        elif hasattr(value, "__dict__") and not _has_variables(value) and may_hold_state(value):
            self._add_attributes(vars(value), depth)
            self._add_classes(type(value), depth)


@undoable
def preserve_attributes(undo: Undo, model: Any) -> None:
    """Restore the attributes of a model's layers and modules when the block ends.

    Args:
        undo: of the block.
        model: a Keras model or layer, a ``tf.Module``, or any other object, of which nothing is restored.
    """
    for part in _parts(model):
        undo.add(PartSnapshot(part).restore)


def _parts(model: Any) -> list[Any]:
    if hasattr(model, "_flatten_layers"):
        return list(model._flatten_layers())
    return [model, *model.submodules] if isinstance(model, tf.Module) else []


def _has_variables(value: Any) -> bool:
    """Return whether an object is a variable, a layer or a module."""
    return isinstance(value, tf.Variable | tf.Module) or hasattr(value, "assign") or hasattr(value, "_flatten_layers")


def _has_new_variables(mapping: dict[Any, Any], copy: dict[Any, Any]) -> bool:
    if len(mapping) == len(copy) and all(map(is_, mapping.values(), copy.values())):
        return False
    return any(key == "built" or _has_variables(value) for key, value in mapping.items() if copy.get(key) is not value)
