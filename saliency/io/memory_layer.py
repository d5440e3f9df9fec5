"""Layers that are in memory, or one after the other in several places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.chunks import Where
from saliency.io.layer import FOUR, Array, Layer


@dataclass(frozen=True, eq=False)
class Held(Layer):
    """A layer in memory."""

    values: Array

    @classmethod
    def of(cls, values: npt.ArrayLike) -> "Held":
        """Return the layer of an array (stimuli, channels, rows, columns), or of one that lacks the last axes.

        Raises:
            ValueError: if it has other axes, holds no values, or no numbers.
        """
        array = np.asarray(values)
        if not 2 <= array.ndim <= FOUR or not array.size or array.dtype.kind not in "fiu":
            raise ValueError(
                f"an activation (shape {array.shape}, {array.dtype}) must be numbers (stimuli, channels, rows, columns)"
            )
        full = array.reshape(*array.shape, *(1,) * (FOUR - array.ndim))
        return cls(full.shape, full.dtype, (1,) * FOUR, array.ndim, full)

    def block(self, where: Where) -> Array:
        """Return four slices."""
        return self.values[where]


@dataclass(frozen=True, eq=False)
class Joined(Layer):
    """The same layer's activation to stimuli of several files, one after the other."""

    parts: tuple[Layer, ...]

    @classmethod
    def of(cls, parts: Sequence[Layer]) -> "Joined":
        """Return layers as one.

        Raises:
            ValueError: if their channels, rows or columns differ.
        """
        maps = sorted({part.shape[1:] for part in parts})
        if len(maps) > 1:
            raise ValueError(
                f"its (channels, rows, columns) must be the same everywhere; there are {', '.join(map(str, maps))}"
            )
        shape = (sum(part.shape[0] for part in parts), *maps[0])
        dtype: np.dtype[Any] = np.result_type(*(part.dtype for part in parts))
        return cls(shape, dtype, parts[0].pieces, min(part.axes for part in parts), tuple(parts))

    def block(self, where: Where) -> Array:
        """Read four slices from the parts that they reach."""
        found, at = [], 0
        for part in self.parts:
            start, stop = max(where[0].start - at, 0), min(where[0].stop - at, part.shape[0])
            if start < stop:
                found.append(part.block((slice(start, stop), *where[1:])))
            at += part.shape[0]
        return np.concatenate(found, dtype=self.dtype)
