"""Numbers as users write them: whole ones, lists, arrays of any library, and pictures; and what is true or false."""

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError


def as_index(value: Any) -> int | None:
    """Return a whole number, be it Python's, NumPy's or a tensor without axes; None for anything else, booleans too."""
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def whole_number(name: str, value: Any, least: int) -> int:
    """Return an option that must be a whole number.

    Raises:
        InputError: if it is none, or less than ``least``.
    """
    number = as_index(value)
    if number is None or number < least:
        raise InputError(f"`{name}` (={value!r}) must be a whole number, {least} or more")
    return number


def boolean(name: str, value: Any) -> bool:
    """Return an option that must be a boolean, Python's or NumPy's: words such as ``"False"`` are all true in Python.

    Raises:
        InputError: if it is none.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"`{name}` (={value!r}) must be True or False")
    return bool(value)


def has_rows(value: Any) -> bool:
    """Tell whether one of a model's other inputs is an array with axes, of which the first is the batch's."""
    return len(getattr(value, "shape", ())) > 0


def host_numbers(value: Any, name: str, channel_axis: int | None) -> npt.NDArray[Any]:
    """Read numbers on the host: lists, arrays and PIL images.

    Args:
        value: anything that NumPy reads as numbers, or a PIL image.
        name: what an error calls it.
        channel_axis: where an image's channels go, 0 or -1; None leaves a grey image (H, W).

    Returns:
        Array of integers, booleans or floats, all finite.

    Raises:
        InputError: if it does not hold numbers, or not only finite ones.
    """
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # Torch's, for a list of tensors with a graph
        raise InputError(f"`{name}` ({type(value).__name__}) must be an array of numbers: {error}") from error
    if numbers.dtype.kind not in "buif":
        raise InputError(f"`{name}` ({type(value).__name__} of {numbers.dtype}) must be an array of real numbers")
    if numbers.size == 0:
        raise InputError(f"`{name}` (shape {numbers.shape}) must hold one number at least")
    if hasattr(value, "getbands") and channel_axis is not None:  # a PIL image: (H, W) or (H, W, C), whatever the model's order
        numbers = numbers if numbers.ndim == 3 else numbers[..., None]
        numbers = np.moveaxis(numbers, -1, channel_axis)
    bad = int(numbers.size - np.isfinite(numbers).sum())
    if bad:
        raise InputError(f"`{name}` holds {bad} of {numbers.size} values that are NaN or infinite; all must be finite")
    return numbers
