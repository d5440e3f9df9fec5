"""Merge parts of maps into one store."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.array_store import ArrayStore, missing_value
from saliency.io.npz import read_maps

Array = npt.NDArray[Any]


def merge_maps(parts: Iterable[Path], n: int, store: ArrayStore, rows: int, way_on: str) -> None:
    """Merge ``.npz`` files into one store: an array (N, ...) for each name; one part is in memory at a time.

    Args:
        parts: the files, as ``create_npz`` wrote them. A row that is in none of them is NaN, -1 or an empty text.
        n: number of rows.
        store: the new file.
        rows: number of rows that a part has at most.
        way_on: what the user can do if a part is damaged, for the error.

    Raises:
        NpzError: if a part is damaged.
        OSError: if something cannot be written.
    """
    vectors: dict[str, Array] = {}  # written at the end: a part would be too small for a chunk
    created = set()
    for name, indices, values in _arrays(parts, way_on):
        if values.ndim == 1:
            if name not in vectors:
                vectors[name] = _missing(n, values)
            vectors[name][indices] = values
        else:
            if name not in created:
                store.create(name, (n, *values.shape[1:]), values.dtype, rows)
                created.add(name)
            store.write(name, indices, values)
    for name, vector in vectors.items():
        store.put(name, vector)


def _arrays(parts: Iterable[Path], way_on: str) -> Iterator[tuple[str, Array, Array]]:
    for part in parts:
        yield from read_maps(part, way_on)


def _missing(n: int, values: Array) -> Array:
    return np.full(n, "", object) if values.dtype.kind == "U" else np.full(n, missing_value(values.dtype), values.dtype)
