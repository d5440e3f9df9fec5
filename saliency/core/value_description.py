"""Describe values of options and targets as JSON, for records of a computation."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from saliency.core.validation import shown

DIGITS = 16
"""Number of hexadecimal digits of a checksum that identifies an array."""


def describe_value(value: Any) -> Any:
    """Return a value as JSON: numbers and texts as they are, arrays with a checksum, functions and layers by name."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): describe_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [describe_value(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: {field.name: describe_value(getattr(value, field.name)) for field in fields(value)}}
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _describe_array(value)
    if hasattr(value, "__qualname__"):
        module = getattr(value, "__module__", None)  # generators and built-in methods have none
        return value.__qualname__ if module is None else f"{module}.{value.__qualname__}"
    name = getattr(value, "name", None)
    return f"{type(value).__name__} {name}" if isinstance(name, str) else type(value).__name__


def value_digest(value: Any) -> str:
    """Return a checksum of an array, an image, a number, or a structure of these."""
    digest = hashlib.sha256()
    _update(digest, value)
    return digest.hexdigest()


def _update(digest: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, one in value.items():
            digest.update(f"{name}:".encode())
            _update(digest, one)
    elif isinstance(value, list | tuple) and not _is_numbers(value):
        for one in value:
            digest.update(b",")
            _update(digest, one)
    elif value is None or isinstance(value, bool | int | float | str) or callable(value) or is_dataclass(value):
        digest.update(repr(describe_value(value)).encode())
    else:
        array = host_array(value)
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update(repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes())


def host_array(value: Any) -> np.ndarray[Any, Any]:
    """Return an array, a tensor on any device, an image or a list of numbers as a NumPy array."""
    value = value.detach() if hasattr(value, "detach") else value
    value = value.cpu() if hasattr(value, "cpu") else value
    try:
        return np.asarray(value)
    except TypeError:  # a type that NumPy does not have, such as Torch's bfloat16
        return np.asarray(value.float())


def _is_numbers(values: list[Any] | tuple[Any, ...]) -> bool:
    return bool(values) and all(isinstance(one, bool | int | float) for one in values)


def _describe_array(value: Any) -> Any:
    try:
        array = host_array(value)
    except Exception:  # whatever an array without values raises
        return shown(value)
    if array.ndim == 0 and array.dtype.kind in "buif":
        return describe_value(array.item())
    return f"{array.dtype} {tuple(array.shape)} sha256 {value_digest(array)[:DIGITS]}"
