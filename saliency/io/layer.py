"""The activation of one layer: an array whose values are read on demand."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.chunks import Shape, Slices, block_shape, full_slices

Array = npt.NDArray[Any]
Indices = Iterable[int] | slice | None
AXIS_NAMES = ("stimuli", "channels", "rows", "columns")
N_AXES = len(AXIS_NAMES)


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """Values (stimuli, channels, rows, columns) of one layer, read on demand.

    Args:
        shape: (stimuli, channels, rows, columns).
        dtype: of the values.
        chunk_shape: shape of the chunks in which the values are stored; blocks of whole chunks are read fastest.
        stored_axes: number of axes that the file stores, 2 to 4. The missing axes have length 1: a fully connected layer may
            store two axes, and its map is (1, 1).
    """

    shape: Shape
    dtype: np.dtype[Any]
    chunk_shape: Shape
    stored_axes: int

    @abstractmethod
    def read_block(self, slices: Slices) -> Array:
        """Return the values inside four slices, each with a start and a stop.

        Raises:
            ValueError: if the file is damaged or has changed.
            OSError: if the file cannot be read.
        """

    def read(self) -> Array:
        """Return all values, (stimuli, channels, rows, columns)."""
        return self.read_block(full_slices(self.shape))

    def chunks(self, stimuli: int | None = None) -> Iterator[Array]:
        """Yield the values of consecutive batches of stimuli, (k, channels, rows, columns).

        Args:
            stimuli: stimuli per batch; None for as many as are stored together or fit into 16 MiB.

        Raises:
            ValueError: if ``stimuli`` is less than 1.
        """
        step = self._default_step() if stimuli is None else _batch_size(stimuli)
        for start in range(0, self.shape[0], step):
            yield self.read_block((slice(start, min(start + step, self.shape[0])), *full_slices(self.shape[1:])))

    def take(
        self, stimuli: Indices = None, channels: Indices = None, rows: Indices = None, columns: Indices = None
    ) -> "Layer":
        """Return a part of the layer; its values are read on demand.

        Args:
            stimuli, channels, rows, columns: indices from 0 in any order, also repeated; a slice; or None for all. Each
                selects along its own axis: two rows and three columns are six units of each channel.

        Raises:
            ValueError: if an index is negative or too large, a selection is empty, or the layer does not have the axis.
        """
        selections = (stimuli, channels, rows, columns)
        indices = tuple(None if picked is None else self._indices(axis, picked) for axis, picked in enumerate(selections))
        shape = tuple(n if picked is None else len(picked) for n, picked in zip(self.shape, indices, strict=True))
        chunk_shape = tuple(n if picked is None else 1 for n, picked in zip(self.chunk_shape, indices, strict=True))
        return _LayerSelection(shape, self.dtype, chunk_shape, self.stored_axes, self, indices)

    def _default_step(self) -> int:
        return block_shape(self.shape, (self.chunk_shape[0], *self.shape[1:]), self.dtype.itemsize)[0]

    def _indices(self, axis: int, selection: Iterable[int] | slice) -> Array:
        n, name = self.shape[axis], AXIS_NAMES[axis]
        if axis >= self.stored_axes:
            stored = self.shape[: self.stored_axes]
            raise ValueError(f"it has no {name}: its file stores {self.stored_axes} axes, {stored}; omit `{name}`")
        indices = np.arange(n)[selection] if isinstance(selection, slice) else _as_array(name, selection)
        if indices.ndim != 1 or not indices.size or indices.dtype.kind not in "iu":
            raise ValueError(f"`{name}` must be whole numbers, one or more")
        outside = indices[(indices < 0) | (indices >= n)]
        if outside.size:
            raise ValueError(f"`{name}` (={outside[0]}) must be from 0 to {n - 1}")
        return indices.astype(np.intp)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.read() if dtype is None else self.read().astype(dtype)


@dataclass(frozen=True, eq=False)
class _LayerSelection(Layer):
    """Indices along the axes of another layer; None along an axis selects all of it."""

    source: Layer
    indices: tuple[Array | None, ...]

    def read_block(self, slices: Slices) -> Array:
        """Read the selected values block by block of the source; memory holds the result and one block."""
        requested = [
            np.arange(part.start, part.stop) if indices is None else indices[part]
            for indices, part in zip(self.indices, slices, strict=True)
        ]
        values = np.empty([len(indices) for indices in requested], self.dtype)
        sizes = block_shape(self.source.shape, self.source.chunk_shape, self.dtype.itemsize)
        for positions in product(*(_group_by_block(indices, size) for indices, size in zip(requested, sizes, strict=True))):
            picked = [indices[at] for indices, at in zip(requested, positions, strict=True)]
            starts = [indices.min() for indices in picked]
            bounds = tuple(slice(int(start), int(indices.max()) + 1) for start, indices in zip(starts, picked, strict=True))
            inside = np.ix_(*(indices - start for indices, start in zip(picked, starts, strict=True)))
            values[np.ix_(*positions)] = self.source.read_block(bounds)[inside]
        return values


def _batch_size(stimuli: Any) -> int:
    try:
        size = 0 if isinstance(stimuli, bool) else index(stimuli)
    except Exception:  # of a tensor, whatever its framework raises
        size = 0
    if not 0 < size < 2**63:
        raise ValueError(f"`stimuli` ({type(stimuli).__name__}) must be a whole number, 1 or more")
    return size


def _as_array(name: str, selection: Iterable[int]) -> Array:
    try:
        return np.asarray(list(selection))
    except Exception as error:  # of a tensor or a user's class, whatever it raises
        raise ValueError(f"`{name}` ({type(selection).__name__}) must be whole numbers: {error}") from None


def _group_by_block(indices: Array, size: int) -> list[Array]:
    """Return the positions of ``indices``, grouped by the block of ``size`` that contains each index."""
    order = np.argsort(indices, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(indices[order] // size)) + 1)


def missing_layer_message(name: str, names: Iterable[str]) -> str:
    """Return the error text for a missing layer, with the nearest name and all names."""
    existing = sorted(names)
    nearest = difflib.get_close_matches(name, existing, n=1, cutoff=0.3)
    hint = "".join(f"; nearest: {match}" for match in nearest)
    return f"has no layer {name}{hint}; layers: {', '.join(existing) or 'none'}"
