"""Record and restore containers, arrays and random generators, in place."""

import random
import sys
from collections import deque
from collections.abc import Callable
from enum import Enum
from operator import is_
from types import FunctionType, MethodType, ModuleType
from typing import Any, Protocol

import numpy as np


class Snapshot(Protocol):
    """A recorded object."""

    def restore(self) -> bool:
        """Restore the object; return whether it had changed."""


def restore_mapping(mapping: dict[Any, Any], entries: dict[Any, Any]) -> bool:
    """Restore the entries of a dictionary by identity, in their order; return whether they had changed.

    Args:
        mapping: the dictionary, perhaps the attributes of an object.
        entries: an earlier copy.
    """
    if len(mapping) == len(entries) and all(map(is_, mapping, entries)):
        if all(map(is_, mapping.values(), entries.values())):
            return False
        for key in [key for key, value in entries.items() if mapping[key] is not value]:
            mapping[key] = entries[key]
        return True
    for key in [key for key in mapping if key not in entries]:
        del mapping[key]
    for key, value in entries.items():
        mapping.pop(key, None)  # a removed entry would otherwise return at the end
        mapping[key] = value
    return True


OTHER_PACKAGES = {
    *("torch", "tensorflow", "keras", "tf_keras", "numpy", "saliency", "lightning", "pytorch_lightning", "lightning_fabric"),
    *("ray", "wandb", "mlflow", "wrapt"),
    *sys.stdlib_module_names,
}
"""Packages, including the standard library, whose objects are not opened: other threads may change them at any time."""


def may_hold_state(value: Any) -> bool:
    """Return whether an object's attributes may be a model's state: not those of functions, classes and ``OTHER_PACKAGES``."""
    if isinstance(value, type | Enum | ModuleType | FunctionType | MethodType):
        return False
    return type(value).__module__.partition(".")[0] in {"collections", "types"} or not is_other_package(type(value))


def is_other_package(kind: type) -> bool:
    """Return whether a class is one of ``OTHER_PACKAGES``, rather than of a model's own code."""
    return kind.__module__.partition(".")[0] in OTHER_PACKAGES


def is_record(value: Any) -> bool:
    """Return whether a value only describes a pass: integers, text, types and tuples of these, such as shapes.

    A list or set that only gains records is a log. It stays as the pass left it, because it may belong to the user.
    """
    if isinstance(value, tuple | list):
        return all(map(is_record, value))
    is_description = isinstance(value, int | str | bytes | type) or value is None
    return is_description or type(value).__name__ in {"dtype", "device", "layout", "memory_format"}


class SequenceSnapshot:
    """The elements of a list, a deque or a similar sequence."""

    def __init__(self, sequence: list[Any] | deque[Any]) -> None:
        self._sequence, self._elements = sequence, list(sequence)

    def restore(self) -> bool:
        """Restore the elements by identity, unless the sequence is a log that has grown."""
        sequence, elements = self._sequence, self._elements
        added = list(sequence)[len(elements) :]
        if len(sequence) >= len(elements) and all(map(is_, sequence, elements)) and all(map(is_record, added)):
            return False
        kind: Any = list if isinstance(sequence, list) else deque  # TensorFlow and Keras override the methods
        kind.clear(sequence)
        kind.extend(sequence, elements)
        return True

    def convert(self, function: Callable[[Any], Any]) -> None:
        """Replace the elements by what a function makes of them, until ``restore``."""
        for index, element in enumerate(self._elements):
            self._sequence[index] = function(element)


class SlotsSnapshot:
    """The attributes of an object whose class has ``__slots__``."""

    def __init__(self, value: Any) -> None:
        slots = (getattr(kind, "__slots__", ()) for kind in type(value).__mro__)
        names = [name for each in slots for name in ((each,) if isinstance(each, str) else each)]
        self._object, self._names, self.attributes = value, names, self._read(value, names)

    @staticmethod
    def _read(value: Any, names: list[str]) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names if not name.startswith("__") and hasattr(value, name)}

    def restore(self) -> bool:
        """Restore the attributes by identity."""
        now = self._read(self._object, self._names)
        if not restore_mapping(now, self.attributes):
            return False
        for name in self._names:
            if name in self.attributes:
                object.__setattr__(self._object, name, self.attributes[name])
            elif hasattr(self._object, name):
                object.__delattr__(self._object, name)
        return True


class SetSnapshot:
    """The elements of a set."""

    def __init__(self, elements: set[Any]) -> None:
        self._set, self._elements = elements, set(elements)

    def restore(self) -> bool:
        """Restore the elements, unless the set is a log that has grown."""
        if self._set >= self._elements and all(map(is_record, self._set - self._elements)):
            return False
        self._set.clear()
        self._set.update(self._elements)
        return True


class ArraySnapshot:
    """The values of a NumPy array."""

    def __init__(self, array: Any) -> None:
        self._array, self._values = array, array.copy()

    def restore(self) -> bool:
        """Restore the values."""
        if self._array.shape == self._values.shape and self._array.tobytes() == self._values.tobytes():
            return False
        if self._array.shape != self._values.shape:
            self._array.resize(self._values.shape, refcheck=False)
        self._array[...] = self._values
        return True


class GeneratorSnapshot:
    """The state of a random generator."""

    def __init__(self, get_state: Callable[[], Any], set_state: Callable[[Any], Any]) -> None:
        self._set_state, self._state = set_state, get_state()

    @classmethod
    def of(cls, generator: Any) -> "GeneratorSnapshot | None":
        """Return the state of a generator of NumPy or Python; None for any other object."""
        if isinstance(generator, np.random.Generator):
            bits = generator.bit_generator
            return cls(lambda: bits.state, lambda state: setattr(bits, "state", state))
        if isinstance(generator, np.random.RandomState):
            return cls(generator.get_state, generator.set_state)
        if isinstance(generator, random.Random):
            return cls(generator.getstate, generator.setstate)
        return None

    def restore(self) -> bool:
        """Restore the state. It counts as changed without a comparison."""
        self._set_state(self._state)
        return True
