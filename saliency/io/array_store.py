"""What a file of named arrays of N rows, written part by part, must support."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class ArrayStore(Protocol):
    """A new file of arrays."""

    def create(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], rows: int) -> None:
        """Create an array (N, ...) of missing values, of which ``rows`` rows are written at a time."""

    def write(self, name: str, rows: Array, values: Array) -> None:
        """Write rows, in ascending order, of an array."""

    def put(self, name: str, values: Array) -> None:
        """Create an array of numbers or texts with all its values."""

    def describe(self, record: Mapping[str, Any]) -> None:
        """Write a record, of JSON values by name, as attributes of the file."""


def missing_value(dtype: np.dtype[Any]) -> Any:
    """Return the value of a missing number: NaN, or -1 for an integer."""
    return np.nan if dtype.kind == "f" else -1
