"""A layer's activation: where its values are and which of them are meant; they are read when asked for."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.chunks import Shape, Where, block_shape, whole

Array = npt.NDArray[Any]
Indices = Iterable[int] | slice | None
FOUR = 4
AXES = ("stimuli", "channels", "rows", "columns")


@dataclass(frozen=True, eq=False)
class Layer(ABC):
    """Values (stimuli, channels, rows, columns) of one layer.

    Args:
        shape: (n, chn, row, col).
        dtype: of the values.
        pieces: shape of the pieces in which they are stored; blocks made of whole pieces are read fastest.
        axes: how many of the four axes the file has; a fully connected layer may have two, and its map is (1, 1).
    """

    shape: Shape
    dtype: np.dtype[Any]
    pieces: Shape
    axes: int

    @abstractmethod
    def block(self, where: Where) -> Array:
        """Return the values within four slices that have a start and a stop.

        Raises:
            ValueError: if the file is damaged, or another than it was.
            OSError: if it cannot be read.
        """

    def read(self) -> Array:
        """Return all values, (n, chn, row, col)."""
        return self.block(whole(self.shape))

    def chunks(self, stimuli: int | None = None) -> Iterator[Array]:
        """Yield the values of so many stimuli at a time, (k, chn, row, col).

        Args:
            stimuli: their number; None for as many as are stored together, or fit into 16 MiB.

        Raises:
            ValueError: if the number is less than 1.
        """
        step = (
            block_shape(self.shape, (self.pieces[0], *self.shape[1:]), self.dtype.itemsize)[0] if stimuli is None else stimuli
        )
        if step < 1:
            raise ValueError(f"`stimuli` (={stimuli}) must be 1 or more")
        for start in range(0, self.shape[0], step):
            yield self.block((slice(start, min(start + step, self.shape[0])), *whole(self.shape[1:])))

    def take(
        self, stimuli: Indices = None, channels: Indices = None, rows: Indices = None, columns: Indices = None
    ) -> "Layer":
        """Return some of the layer, which is read when asked for.

        Args:
            stimuli, channels, rows, columns: indices from 0, in any order, also repeated; or a slice; None for all. Each
                counts along its own axis: two rows and three columns are six units of each channel.

        Raises:
            ValueError: if an index is negative or too large, none is given, or the layer has no such axis.
        """
        given = (stimuli, channels, rows, columns)
        chosen = tuple(None if which is None else self._indices(axis, which) for axis, which in enumerate(given))
        shape = tuple(n if which is None else len(which) for n, which in zip(self.shape, chosen, strict=True))
        pieces = tuple(piece if which is None else 1 for piece, which in zip(self.pieces, chosen, strict=True))
        return _Taken(shape, self.dtype, pieces, self.axes, self, chosen)

    def _indices(self, axis: int, which: Iterable[int] | slice) -> Array:
        n, name = self.shape[axis], AXES[axis]
        if axis >= self.axes:
            raise ValueError(f"it has no {name}: its file holds {self.axes} axes, {self.shape[: self.axes]}")
        chosen = np.arange(n)[which] if isinstance(which, slice) else np.asarray(list(which))
        if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
            raise ValueError(f"`{name}` must be whole numbers, one or more")
        outside = chosen[(chosen < 0) | (chosen >= n)]
        if outside.size:
            raise ValueError(f"`{name}` (={outside[0]}) must be from 0 to {n - 1}")
        return chosen.astype(np.intp)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.read() if dtype is None else self.read().astype(dtype)


@dataclass(frozen=True, eq=False)
class _Taken(Layer):
    source: Layer
    chosen: tuple[Array | None, ...]

    def block(self, where: Where) -> Array:
        """Read from each block of the source what is wanted of it, so that memory holds the answer and one block."""
        wanted = [
            np.arange(part.start, part.stop) if which is None else which[part]
            for which, part in zip(self.chosen, where, strict=True)
        ]
        values = np.empty([len(which) for which in wanted], self.dtype)
        sizes = block_shape(self.source.shape, self.source.pieces, self.dtype.itemsize)
        for parts in product(*(_by_block(which, size) for which, size in zip(wanted, sizes, strict=True))):
            lows = [which[at].min() for which, at in zip(wanted, parts, strict=True)]
            hulls = tuple(
                slice(int(low), int(which[at].max()) + 1) for low, which, at in zip(lows, wanted, parts, strict=True)
            )
            inside = np.ix_(*(which[at] - low for low, which, at in zip(lows, wanted, parts, strict=True)))
            values[np.ix_(*parts)] = self.source.block(hulls)[inside]
        return values


def _by_block(which: Array, size: int) -> list[Array]:
    """Return the positions in ``which``, put together where its indices fall into one block."""
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order] // size)) + 1)


def absent(name: str, names: Iterable[str]) -> str:
    """Return the words for a layer that is not among others, with the nearest and all there are."""
    there = sorted(names)
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.3)
    return (
        f"has no layer {name}" + "".join(f"; nearest: {match}" for match in near) + f"; layers: {', '.join(there) or 'none'}"
    )
