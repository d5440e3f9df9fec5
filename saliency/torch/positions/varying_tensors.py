"""Tensors of a forward pass that have no positions, and differ from one pass to the next."""

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import ref

import torch

LOOKUPS = {"index", "_unsafe_index", "index_select", "gather", "take"}
"""Operators that select entries of the first argument by indices in the others."""


class VaryingTensors:
    """Which tensors depend on the input or on random numbers.

    Entries that such a tensor selects lie elsewhere in the next pass, as in networks that shuffle their patches at random, or
    order them by a score.
    """

    def __init__(self) -> None:
        self._tensors: dict[int, ref[torch.Tensor]] = {}  # by the tensor's id

    def include(self, func: Any, arguments: Iterable[Any]) -> bool:
        """Return whether the result of an operator depends on one of these tensors, or on random numbers."""
        is_random = torch.Tag.nondeterministic_seeded in func.tags
        return is_random or (bool(self._tensors) and any(map(self._has, _flat(arguments))))

    def add(self, results: Any) -> None:
        """Add the tensors among an operator's results."""
        table = self._tensors
        for one in _flat([results]):
            if isinstance(one, torch.Tensor):
                key = id(one)
                table[key] = ref(one, lambda _, key=key: table.pop(key, None))  # type: ignore[misc]

    def select(self, name: str, arguments: Iterable[Any]) -> bool:
        """Return whether an operator selects entries by one of these tensors."""
        return name in LOOKUPS and any(map(self._has, _flat(list(arguments)[1:])))

    def _has(self, value: Any) -> bool:
        entry = self._tensors.get(id(value))
        return entry is not None and entry() is value


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value
