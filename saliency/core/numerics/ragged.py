"""Join arrays of rows of different lengths."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def concatenate_padded(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Concatenate arrays (n, ...) along their first axis; numbers of shorter rows are filled up with NaN at the end."""
    if len({array.shape[1:] for array in arrays}) == 1 or any(array.dtype.kind != "f" for array in arrays):
        return np.concatenate(arrays)
    shape = np.max([array.shape[1:] for array in arrays], axis=0)
    rows = sum(map(len, arrays))
    joined = np.full((rows, *shape), np.nan, np.result_type(*arrays))
    start = 0
    for array in arrays:
        joined[(slice(start, start + len(array)), *map(slice, array.shape[1:]))] = array
        start += len(array)
    return joined
