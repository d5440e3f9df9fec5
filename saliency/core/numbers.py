"""Whole numbers as users write them: Python's, NumPy's and a framework's."""

import operator
from typing import Any

from saliency.core.errors import InputError


def as_index(value: Any) -> int | None:
    """Return a whole number, be it Python's, NumPy's or a tensor without axes; None for anything else, booleans too."""
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def whole(name: str, value: Any, least: int) -> int:
    """Return an option that must be a whole number.

    Raises:
        InputError: if it is none, or less than ``least``.
    """
    number = as_index(value)
    if number is None or number < least:
        raise InputError(f"`{name}` (={value!r}) must be a whole number, {least} or more")
    return number
