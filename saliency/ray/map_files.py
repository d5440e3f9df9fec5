"""Write the maps of a Ray dataset into one ``.h5`` file or Zarr folder, in the driver."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import whole_number
from saliency.io.array_store import ArrayStore, missing_value
from saliency.io.npz import NAMES
from saliency.io.store_format import SUFFIXES, create_store
from saliency.ray.mask_rows import DETAILS, MASKS

Array = npt.NDArray[Any]
TEXTS = ("name", "target", "error", "reason")
SHARD = 32
"""Number of rows that are written together."""


def write_maps(dataset: Any, out: str | os.PathLike[str], n: int) -> Path:
    """Write rows of ``Masks`` in the order of their column ``index``; some blocks are in memory at a time.

    Args:
        dataset: a dataset with the columns of ``Masks``, and ``index``, from 0 to n - 1, such as from ``read_stimuli``.
        out: a path that ends in ``.h5`` or ``.zarr``. It appears when all maps are written.
        n: number of rows.

    Returns:
        ``out``. It has ``masks`` (N, *mask), ``stimID``, ``target``, ``error`` and ``reason`` (N,), ``details/NAME`` (N, ...),
        such as ``details/score``, and attributes that describe the computation.

    Raises:
        InputError: if ``out`` or a row is invalid, an index is missing or repeated, or rows were computed in different ways.
        OSError: if the file cannot be written, such as on a full disk; ``out`` is unchanged.
    """
    whole_number("n", n, least=0)
    path = Path(out)
    if path.suffix not in SUFFIXES:
        raise InputError(f"`out` (={os.fspath(out)!r}) must be a path that ends in {' or '.join(SUFFIXES)}")
    with create_store(path) as store:
        rows = _RowWriter(store, n)
        for batch in dataset.iter_batches(batch_size=SHARD, batch_format="numpy"):
            rows.add(batch)
        rows.finish()
    return path


@dataclass
class _RowWriter:
    """Write rows that arrive in any order; those of a shard are written together, because two writes would repeat its bytes.

    Args:
        store: the new file.
        n: number of its rows.
    """

    store: ArrayStore
    n: int
    seen: set[int] = field(default_factory=set)
    waiting: dict[str, dict[int, dict[int, Array]]] = field(default_factory=dict)
    vectors: dict[str, Array] = field(default_factory=dict)
    details: dict[str, dict[int, Any]] = field(default_factory=dict)
    record: str | None = None

    def add(self, batch: Mapping[str, Array]) -> None:
        """Add rows."""
        if not {"index", "map", "record"} <= set(batch):
            raise InputError(f"`dataset` must have the columns index and those of Masks; it has {', '.join(batch)}")
        indices = [int(i) for i in batch["index"]]
        for i, record in zip(indices, batch["record"], strict=True):
            self._check(i, str(record))
        arrays = {name: values for name, values in batch.items() if name.startswith(DETAILS)}
        for name, values in {MASKS: batch["map"], **arrays}.items():
            self._add_rows(name, indices, values)
        for name in ("score", *TEXTS):
            missing = np.full(self.n, np.nan) if name == "score" else np.full(self.n, "", object)
            self.vectors.setdefault(name, missing)[indices] = batch[name]
        for i, text in zip(indices, batch["details"], strict=True):
            for name, value in (json.loads(text) if text else {}).items():
                self.details.setdefault(name, {})[i] = value

    def finish(self) -> None:
        """Write what is left, and check that no row is missing."""
        if len(self.seen) < self.n:
            first = next(i for i in range(self.n) if i not in self.seen)
            raise InputError(f"`dataset` must have {self.n} rows; it has {len(self.seen)}, and none with the index {first}")
        for name, values in self.vectors.items():
            self.store.put({"name": NAMES, "score": f"{DETAILS}score"}.get(name, name), values)
        for name, found in self.details.items():
            self.store.put(f"{DETAILS}{name}", _detail(found, self.n))
        self.store.describe(json.loads(self.record or "{}"))

    def _check(self, i: int, record: str) -> None:
        if not 0 <= i < self.n or i in self.seen:
            raise InputError(f"`dataset` has the index {i} twice, or it is not from 0 to {self.n - 1}")
        self.seen.add(i)
        if self.record is None:
            self.record = record
        elif self.record != record:
            raise InputError(f"the workers computed in different ways: {_difference(self.record, record)}")

    def _add_rows(self, name: str, indices: list[int], values: Array) -> None:
        if name not in self.waiting:
            self.store.create(name, (self.n, *values.shape[1:]), values.dtype, SHARD)
            self.waiting[name] = {}
        shards = self.waiting[name]
        for i, row in zip(indices, values, strict=True):
            shard = shards.setdefault(i // SHARD, {})
            shard[i] = np.array(row)  # a copy: a view would keep the whole block in memory
            if len(shard) == min(SHARD, self.n - i // SHARD * SHARD):
                rows = sorted(shard)
                self.store.write(name, np.array(rows), np.stack([shard[k] for k in rows]))
                del shards[i // SHARD]


def _detail(values: Mapping[int, Any], n: int) -> Array:
    """Return a detail of n rows: numbers (n, ...), or texts, where a row has none or they have different shapes."""
    rows = list(values.values())
    shapes, kinds = {np.shape(one) for one in rows}, {np.asarray(one).dtype.kind for one in rows}
    if len(shapes) == 1 and kinds <= set("bif"):
        dtype = np.dtype(np.float64 if "f" in kinds else np.int64)
        column = np.full((n, *shapes.pop()), missing_value(dtype), dtype)
        column[list(values)] = rows
        return column
    return np.array([_text(values.get(i, "")) for i in range(n)], object)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _difference(one: str, other: str) -> str:
    first, second = json.loads(one), json.loads(other)
    name = next(name for name in {**first, **second} if first.get(name) != second.get(name))
    return f"{name} is {first.get(name)} in one row and {second.get(name)} in another"
