"""Record and restore many dictionaries at once: the attributes of modules and of other objects, and what these hold."""

from collections.abc import Iterator
from itertools import chain
from operator import is_
from typing import Any

from saliency.core.container_snapshot import restore_mapping

NOTHING: dict[Any, Any] = {}
"""The copy of a dictionary without entries."""


class DictionarySnapshots:
    """The entries of dictionaries, by identity and in their order.

    All entries are compared at once: a comparison for each dictionary takes several times as long.

    Args:
        dictionaries: also of derived types, such as ``OrderedDict``, whose order is not that of ``dict.values``.
    """

    def __init__(self, dictionaries: list[dict[Any, Any]]) -> None:
        filled = list(filter(None, dictionaries))
        self._empty = [each for each in dictionaries if not each]
        self._plain = [each for each in filled if type(each) is dict]
        self._copies = list(map(dict.copy, self._plain))
        self._derived = [(each, dict(each)) for each in filled if type(each) is not dict]

    def __iter__(self) -> Iterator[tuple[dict[Any, Any], dict[Any, Any]]]:
        """Iterate over the dictionaries, each with its copy."""
        empty = ((each, NOTHING) for each in self._empty)
        return chain(zip(self._plain, self._copies, strict=True), empty, self._derived)

    def restore(self) -> bool:
        """Restore the entries of all dictionaries; return whether any had changed."""
        each = self._derived if self._are_unchanged() else self
        changed = [restore_mapping(dictionary, copy) for dictionary, copy in each]
        return any(changed)

    def _are_unchanged(self) -> bool:
        """Return whether all dictionaries but those of derived types are as they were."""
        now, before = self._plain, self._copies
        return (
            not any(self._empty)
            and list(map(len, now)) == list(map(len, before))
            and all(map(is_, chain.from_iterable(now), chain.from_iterable(before)))
            and all(map(is_, chain.from_iterable(map(dict.values, now)), chain.from_iterable(map(dict.values, before))))
        )
