"""Arrays within a structure of dictionaries, dataclasses, tuples and lists, by their paths."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Path = tuple[str | int, ...]
"""The keys, field names and indices that lead to an entry of a structure."""


def is_array(value: Any) -> bool:
    """Return whether a value is an array of any framework."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def entries_of(structure: Any) -> dict[Any, Any]:
    """Return the entries of one level of a structure by key, field name or index; empty for anything else."""
    if is_array(structure):
        return {}
    if isinstance(structure, Mapping):
        return dict(structure.items())
    if hasattr(structure, "_fields"):  # a named tuple
        return dict(zip(structure._fields, structure, strict=True))
    if is_dataclass(structure) and not isinstance(structure, type):
        return {field.name: getattr(structure, field.name) for field in fields(structure)}
    return dict(enumerate(structure)) if isinstance(structure, list | tuple) else {}


def arrays_of(structure: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and value of each array of a structure, in its order."""
    if is_array(structure):
        yield path, structure
    for key, value in entries_of(structure).items():
        yield from arrays_of(value, (*path, key))


def path_name(path: Path) -> str:
    """Return a path in words, such as ``hidden_states/0``."""
    return "/".join(map(str, path))


def entry_at(structure: Any, path: str | int) -> Any:
    """Return the entry of a structure at a path such as ``"logits"``, ``0``, ``"aux/logits"`` or ``"hidden_states/-1"``.

    Raises:
        KeyError: if there is no such entry.
    """
    entries = entries_of(structure)
    if path in entries:
        return entries[path]
    first, _, rest = str(path).partition("/")
    key = _key(entries, structure, first)
    return entry_at(entries[key], rest) if rest else entries[key]


def _key(entries: Mapping[Any, Any], structure: Any, name: str) -> Any:
    if name in entries:
        return name
    if name.lstrip("-").isdigit():  # an index, also of a named tuple's or a dataclass's field
        keys = list(entries)
        number = int(name)
        if number in entries:
            return number
        if not isinstance(structure, Mapping) and -len(keys) <= number < len(keys):
            return keys[number]
    raise KeyError(name)


def replace_array(structure: Any, old: Any, new: Any) -> Any:
    """Return a copy of a structure with one array replaced, wherever it occurs; the structure itself if it lacks the array."""
    if structure is old:
        return new
    changed = {}
    for key, value in entries_of(structure).items():
        replaced = replace_array(value, old, new)
        if replaced is not value:
            changed[key] = replaced
    return _with_entries(structure, changed) if changed else structure


def _with_entries(structure: Any, changed: Mapping[Any, Any]) -> Any:
    """Return a copy of a structure with some entries of its first level replaced."""
    if isinstance(structure, tuple) and not hasattr(structure, "_fields"):
        return type(structure)(changed.get(i, value) for i, value in enumerate(structure))
    result: Any = copy.copy(structure)
    if isinstance(structure, tuple):
        return result._replace(**changed)
    for key, value in changed.items():
        if isinstance(result, Mapping | list):
            result[key] = value  # type: ignore[index] # a mapping that a layer returns may be changed
        else:
            object.__setattr__(result, key, value)  # also of a frozen dataclass
    return result


def describe_arrays(structure: Any) -> str:
    """List a structure's arrays with their shapes, such as ``'logits' (2, 10), 'aux/0' (2, 7, 7)``; at most twelve."""
    found = [f"{path_name(path)!r} {_shape(array)}" for path, array in arrays_of(structure)]
    more = f" and {len(found) - 12} more" if len(found) > 12 else ""
    return ", ".join(found[:12]) + more or "no arrays"


def _shape(array: Any) -> str:
    try:
        return str(tuple("N" if length is None else int(length) for length in array.shape)).replace("'", "")
    except ValueError:  # TensorFlow: an unknown number of axes
        return "(...)"
