"""Entries of the outputs of layers that return dictionaries, dataclasses, tuples or lists, by names such as ``backbone/0``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from saliency.core.nested_outputs import describe_arrays, entries_of, entry_at


@dataclass(frozen=True)
class MissingEntry:
    """Stands for an entry that a layer's output lacks.

    Args:
        description: what the layer returns instead, for an error message.
    """

    description: str


def split_entry(name: str, is_layer: Callable[[str], bool]) -> tuple[str, str]:
    """Split a name such as ``"backbone/0"`` into a layer's name and the path of an entry of its output, or ``""``.

    The longest beginning that is a layer's name counts. If there is none, all of the name is returned as the layer's.
    """
    layer, entry = name, ""
    while not is_layer(layer):
        layer, slash, last = layer.rpartition("/")
        if not slash:
            return name, ""
        entry = f"{last}/{entry}" if entry else last
    return layer, entry


def read_entry(output: Any, entry: str) -> Any:
    """Return the entry of a layer's output at a path, or a ``MissingEntry``; all of the output for an empty path."""
    if not entry:
        return output
    try:
        return entry_at(output, entry)
    except KeyError:
        others = f", but with {describe_arrays(output)}" if entries_of(output) else ""
        return MissingEntry(f"{type(output).__name__} without the entry {entry!r}{others}")


def describe_output(value: Any) -> str:
    """Describe what a layer returned instead of one floating-point array, such as ``tuple with '0' (2, 8), '1' (2, 4)``."""
    if isinstance(value, MissingEntry):
        return value.description
    if entries_of(value):
        return f"{type(value).__name__} with {describe_arrays(value)} (name one as 'layer/entry')"
    return type(value).__name__
