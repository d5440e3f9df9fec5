"""Read and check what users pass: whole numbers, booleans, and arrays of numbers from any library."""

import math
import operator
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError

MAX_COUNT = 2**31 - 1
"""The largest number of samples, steps or windows: a larger one is a mistake, and does not fit into an array's index."""

MAX_AXES = 64
"""The largest number of axes of an array in NumPy."""


def shown(value: Any) -> str:
    """Return a value for an error message: its ``repr`` in one line of at most 200 characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of more than 4300 digits, or a user's own class
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:197]}..."


def as_index(value: Any) -> int | None:
    """Return a whole number from Python, NumPy or a tensor without axes; None for anything else, including booleans."""
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return None
    try:
        return operator.index(value)
    except Exception:  # a TypeError; of a tensor without values, whatever its framework raises
        return None


def whole_number(name: str, value: Any, least: int, most: int | None = MAX_COUNT) -> int:
    """Return an option that must be a whole number.

    Raises:
        InputError: if it is not a whole number, or not within ``least`` and ``most``; ``most=None`` allows any size.
    """
    number = as_index(value)
    if number is None or number < least:
        raise InputError(f"`{name}` (={shown(value)}) must be a whole number, {least} or more")
    if most is not None and number > most:
        raise InputError(f"`{name}` (={shown(value)}) must be a whole number, at most {most}")
    return number


def as_real(value: Any) -> float | None:
    """Return a finite number from Python, NumPy or a tensor without axes; None for anything else, including booleans."""
    dtype = str(getattr(value, "dtype", ""))
    scalar = hasattr(value, "__float__") and not isinstance(value, bool) and not getattr(value, "ndim", None)
    if not scalar or _is_no_real_type(dtype):
        return None
    try:
        number = float(value)
    except Exception:  # too large for a float; of a tensor without values, whatever its framework raises
        return None
    return number if math.isfinite(number) else None


def _is_no_real_type(dtype: str) -> bool:
    return any(kind in dtype for kind in ("bool", "complex", "datetime", "timedelta", "object"))


def real_number(name: str, value: Any, least: float, most: float = math.inf, excludes_least: bool = False) -> float:
    """Return an option that must be a finite number.

    Raises:
        InputError: if it is anything else, not within ``least`` and ``most``, or ``least`` itself if that is excluded.
    """
    number = as_real(value)
    if number is None or not least <= number <= most or (excludes_least and number == least):
        limits = f"{least:g} or more" if most == math.inf else f"from {least:g} to {most:g}"
        if excludes_least:
            limits = f"above {least:g}" + (f", at most {most:g}" if most != math.inf else "")
        raise InputError(f"`{name}` (={shown(value)}) must be a finite number, {limits}")
    return number


def channel_axis_option(value: Any) -> int | None:
    """Return the option ``channel_axis``, except for ``"auto"``.

    Raises:
        InputError: if it is neither a whole number nor None.
    """
    axis = as_index(value)
    if value is not None and (axis is None or abs(axis) > MAX_AXES):
        raise InputError(f'`channel_axis` (={shown(value)}) must be a whole number, None or "auto"')
    return axis


def boolean(name: str, value: Any) -> bool:
    """Return an option that must be a boolean of Python or NumPy.

    Strings are refused, because a string such as ``"False"`` is true in Python.

    Raises:
        InputError: if it is not a boolean.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"`{name}` (={shown(value)}) must be True or False")
    return bool(value)


def checked_class_names(value: Any, argument: str = "class_names") -> dict[int, str]:
    """Return names of classes by index.

    Args:
        value: a list or tuple of names, from class 0 on, or a mapping from classes to names.
        argument: name of the value in an error.

    Raises:
        InputError: if it is neither, or a class or name is invalid.
    """
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        pairs = list(enumerate(value))
    else:
        raise InputError(f"`{argument}` ({type(value).__name__}) must be a list of names, or a mapping from classes to names")
    for key, name in pairs:
        index = as_index(key)
        if index is None or index < 0:
            raise InputError(f"`{argument}` has the class {key!r}; a class must be a whole number, 0 or more")
        if not isinstance(name, str):
            raise InputError(f"`{argument}` has {name!r} for class {key}; a name must be a string")
    return {int(key): name for key, name in pairs}


def has_batch_axis(value: Any) -> bool:
    """Return whether one of a model's other inputs is an array with axes; the first one is the batch axis."""
    return len(getattr(value, "shape", ())) > 0


def host_numbers(value: Any, name: str, channel_axis: int | None, largest: float = math.inf) -> npt.NDArray[Any]:
    """Return a list, an array or a PIL image as a NumPy array of finite numbers.

    Args:
        value: anything that NumPy can read as numbers, or a PIL image.
        name: the name of the value in an error.
        channel_axis: the axis on which to put an image's channels, 0 or -1; None returns a gray image as (H, W).
        largest: the largest magnitude that is allowed: that of the type to which the numbers are cast.

    Returns:
        Array of integers, booleans or floats, all finite.

    Raises:
        InputError: if the value contains anything other than finite real numbers, or is empty.
    """
    if hasattr(value, "getbands") and value.mode in ("P", "PA"):
        raise InputError(f"`{name}` (a PIL image of mode {value.mode}) holds palette indices, no colors; pass .convert('RGB')")
    if np.ma.is_masked(value):
        raise InputError(f"`{name}` (a masked array) has masked values; replace them first, such as by .filled(0)")
    try:
        numbers = np.asarray(value)
    except Exception as error:  # Torch raises a RuntimeError for a list of tensors that require grad; a user's class anything
        raise InputError(f"`{name}` ({type(value).__name__}) must be an array of numbers: {error}") from error
    if numbers.dtype.kind not in "buif":
        raise InputError(
            f"`{name}` ({type(value).__name__} of {numbers.dtype}) must be an array of real numbers{_reading_hint(value)}"
        )
    if numbers.size == 0:
        raise InputError(f"`{name}` (shape {numbers.shape}) must hold at least one number")
    if hasattr(value, "getbands") and channel_axis is not None:  # a PIL image: (H, W) or (H, W, C), whatever the model expects
        numbers = numbers if numbers.ndim == 3 else numbers[..., None]
        numbers = np.moveaxis(numbers, -1, channel_axis)
    bad = int(numbers.size - np.isfinite(numbers).sum())
    if bad:
        raise InputError(f"`{name}` holds {bad} of {numbers.size} values that are NaN or infinite; all must be finite")
    if numbers.dtype.itemsize > 4 and max(abs(float(numbers.max())), abs(float(numbers.min()))) > largest:
        raise InputError(f"`{name}` holds numbers above {largest:.3g}, the largest of the model's type; scale it down")
    return numbers


def _reading_hint(value: Any) -> str:
    """Return how to read a picture, if a value is a path or bytes."""
    if not isinstance(value, str | bytes | PathLike):
        return ""
    return ". Read the picture first, by PIL.Image.open(path), and prepare it for the model, by network.prepare(picture)"


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
