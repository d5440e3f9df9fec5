"""The part of each map that a window reaches: boxes of one size, each at a place of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Geometry:
    """How an operator slides over a map, rows and columns.

    Args:
        kernel, stride, padding, dilation: as of a convolution, a number for each of the two axes.
        ceil: a last position that does not fit counts as well, as pooling may have it.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil: bool = False

    @property
    def reach(self) -> tuple[int, ...]:
        """Positions from the first that an output reads to behind the last."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def over(self, space: Sequence[int]) -> tuple[int, ...]:
        """Return the output's rows and columns, of an input's."""
        found = []
        for length, reach, stride, padding in zip(space, self.reach, self.stride, self.padding, strict=True):
            free = length + 2 * padding - reach
            out = (free + (stride - 1 if self.ceil else 0)) // stride + 1
            beyond = self.ceil and (out - 1) * stride >= length + padding  # would read padding alone
            found.append(out - beyond)
        return tuple(found)


@dataclass(frozen=True)
class Boxes:
    """Boxes within maps of one size.

    Args:
        starts: first row and column of each, (boxes, 2).
        size: rows and columns of them all.
        space: rows and columns of the maps, which hold them.
    """

    starts: npt.NDArray[np.int64]
    size: tuple[int, ...]
    space: tuple[int, ...]

    @classmethod
    def around(cls, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], space: Sequence[int]) -> Boxes:
        """Return boxes of the size of the largest, moved inwards where they stick out; ``first`` and ``last`` (boxes, 2)."""
        limits = np.array(space)
        first, last = np.maximum(first, 0), np.minimum(last, limits - 1)
        size = np.maximum((last - first).max(axis=0) + 1, 1)  # where a stride leaves a window out, of one position
        starts = np.clip(first, 0, limits - size)
        return cls(starts, tuple(size.tolist()), tuple(space))

    def behind(self, geometry: Geometry) -> Boxes:
        """Return what an operator makes of them: all outputs that read one of their positions."""
        stride, padding, reach = (np.array(one) for one in (geometry.stride, geometry.padding, geometry.reach))
        first = -(-(self.starts + padding - (reach - 1)) // stride)
        last = (self.starts + np.array(self.size) - 1 + padding) // stride
        return Boxes.around(first, last, geometry.over(self.space))

    def read_by(self, geometry: Geometry, space: Sequence[int]) -> Boxes:
        """Return what an operator reads to make these, within a padded map of that size."""
        size = tuple((n - 1) * s + r for n, s, r in zip(self.size, geometry.stride, geometry.reach, strict=True))
        return Boxes(self.starts * np.array(geometry.stride), size, tuple(space))

    def moved(self, by: Sequence[int], space: Sequence[int]) -> Boxes:
        """Return the same boxes within larger maps, in which these stand at ``by``."""
        return Boxes(self.starts + np.array(by), self.size, tuple(space))

    @property
    def whole(self) -> Boxes:
        """The maps themselves."""
        return Boxes(np.zeros_like(self.starts), self.space, self.space)

    @property
    def share(self) -> float:
        """Of the maps, that is within a box."""
        return float(np.prod(self.size) / np.prod(self.space))

    def same(self, other: Boxes) -> bool:
        """Tell whether these are the others."""
        return self.size == other.size and bool((self.starts == other.starts).all())


def union(boxes: Sequence[Boxes]) -> Boxes:
    """Return the smallest boxes that hold those of several maps of one size."""
    first: Any = reduce(np.minimum, [one.starts for one in boxes])
    last: Any = reduce(np.maximum, [one.starts + np.array(one.size) - 1 for one in boxes])
    return Boxes.around(first, last, boxes[0].space)
