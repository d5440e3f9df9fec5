"""Repeat arrays along their first axis."""

from typing import Any

from saliency.core.types import Array
from saliency.core.validation import has_batch_axis


def tile(xp: Any, value: Any, times: int) -> Any:
    """Return ``times`` copies of an array (N, ...), one after the other: (times * N, ...); other values stay as they are."""
    return xp.concatenate([value] * times) if times > 1 and has_batch_axis(value) else value


def repeat_each(xp: Any, array: Array, times: int) -> Array:
    """Return each entry of an array (N, ...) ``times`` times in a row: (N * times, ...)."""
    if times == 1:
        return array
    return xp.concatenate([array[i : i + 1] for i in range(array.shape[0]) for _ in range(times)])
