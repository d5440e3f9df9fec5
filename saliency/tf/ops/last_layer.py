"""The layer of a map for which none was named."""

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from typing import Any, TypeAlias

from saliency.core.errors import TargetError

Found: TypeAlias = tuple[Any, ...]
"""Scores, a layer's output, the gradients, and what else there may be."""


def at_last(
    known: MutableMapping[Hashable, Any],
    key: Hashable,
    at: Callable[[Any], Found],
    look: Callable[[], Mapping[Any, bool]],
    counts: Callable[[Found], Any],
    nowhere: str,
) -> Found:
    """Evaluate the last layer with spatial axes whose gradients are not all zero, or the last one; it is looked for once.

    Args:
        known: layers that were found before, by the kind of input and target; a new one is added.
        key: this kind.
        at: evaluates a layer.
        look: returns the layers that it may be, in the order of their calls, and whether the gradients of each count.
        counts: tells whether the gradients of what was found do.
        nowhere: what is told if there is none.

    Raises:
        TargetError: if there is none.
    """
    if key in known:
        found = at(known[key])
        if counts(found):
            return found
    layers = look()
    counting = [layer for layer, one in layers.items() if one] or list(layers)
    if not counting:
        raise TargetError(nowhere)
    known[key] = counting[-1]
    return at(counting[-1])
