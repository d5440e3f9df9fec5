"""Read and check what users pass: whole numbers, booleans, and arrays of numbers from any library."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError


def as_index(value: Any) -> int | None:
    """Return a whole number from Python, NumPy or a tensor without axes; None for anything else, including booleans."""
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def whole_number(name: str, value: Any, least: int) -> int:
    """Return an option that must be a whole number.

    Raises:
        InputError: if it is not a whole number, or less than ``least``.
    """
    number = as_index(value)
    if number is None or number < least:
        raise InputError(f"`{name}` (={value!r}) must be a whole number, {least} or more")
    return number


def boolean(name: str, value: Any) -> bool:
    """Return an option that must be a boolean of Python or NumPy.

    Strings are refused, because a string such as ``"False"`` is true in Python.

    Raises:
        InputError: if it is not a boolean.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"`{name}` (={value!r}) must be True or False")
    return bool(value)


def has_batch_axis(value: Any) -> bool:
    """Return whether one of a model's other inputs is an array with axes; the first one is the batch axis."""
    return len(getattr(value, "shape", ())) > 0


def host_numbers(value: Any, name: str, channel_axis: int | None) -> npt.NDArray[Any]:
    """Return a list, an array or a PIL image as a NumPy array of finite numbers.

    Args:
        value: anything that NumPy can read as numbers, or a PIL image.
        name: the name of the value in an error.
        channel_axis: the axis on which to put an image's channels, 0 or -1; None returns a gray image as (H, W).

    Returns:
        Array of integers, booleans or floats, all finite.

    Raises:
        InputError: if the value contains anything other than finite real numbers, or is empty.
    """
    if hasattr(value, "getbands") and value.mode in ("P", "PA"):
        raise InputError(f"`{name}` (a PIL image of mode {value.mode}) holds palette indices, no colors; pass .convert('RGB')")
    try:
        numbers = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: Torch, for a list of tensors that require grad
        raise InputError(f"`{name}` ({type(value).__name__}) must be an array of numbers: {error}") from error
    if numbers.dtype.kind not in "buif":
        raise InputError(f"`{name}` ({type(value).__name__} of {numbers.dtype}) must be an array of real numbers")
    if numbers.size == 0:
        raise InputError(f"`{name}` (shape {numbers.shape}) must hold at least one number")
    if hasattr(value, "getbands") and channel_axis is not None:  # a PIL image: (H, W) or (H, W, C), whatever the model expects
        numbers = numbers if numbers.ndim == 3 else numbers[..., None]
        numbers = np.moveaxis(numbers, -1, channel_axis)
    bad = int(numbers.size - np.isfinite(numbers).sum())
    if bad:
        raise InputError(f"`{name}` holds {bad} of {numbers.size} values that are NaN or infinite; all must be finite")
    return numbers


def check_equal_shapes(masks: Sequence[Any]) -> None:
    """Check that masks (n, *mask) can be joined.

    Raises:
        InputError: if their shapes differ, because the maps of some targets come from layers of another size.
    """
    shapes = dict.fromkeys(tuple(mask.shape[1:]) for mask in masks)
    if len(shapes) > 1:
        raise InputError(
            f"the masks have different shapes ({', '.join(map(str, shapes))}), because their targets depend on different "
            "layers: name a `layer`, resize the maps with should_resize=True, or use GetMask for each input"
        )
