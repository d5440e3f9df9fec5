"""A batch of boxes of one size, one for each map: the part of the map that an occluding window changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.incremental.sliding_geometry import SlidingGeometry


@dataclass(frozen=True)
class BoxBatch:
    """Boxes of one size in maps of one size.

    Args:
        starts: first row and column of each box, (boxes, 2).
        size: rows and columns of every box.
        map_size: rows and columns of the maps that contain the boxes.
    """

    starts: npt.NDArray[np.int64]
    size: tuple[int, ...]
    map_size: tuple[int, ...]

    @classmethod
    def from_bounds(cls, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], map_size: Sequence[int]) -> BoxBatch:
        """Return boxes of the size of the largest, shifted into the map.

        Args:
            first: first row and column that each box must contain, (boxes, 2).
            last: last row and column that each box must contain, (boxes, 2).
            map_size: rows and columns of the maps.
        """
        limits = np.array(map_size)
        first, last = np.maximum(first, 0), np.minimum(last, limits - 1)
        size = np.maximum((last - first).max(axis=0) + 1, 1)  # one position if a stride skips every window
        starts = np.clip(first, 0, limits - size)
        return cls(starts, tuple(size.tolist()), tuple(map_size))

    def affected_outputs(self, geometry: SlidingGeometry) -> BoxBatch:
        """Return the boxes of all outputs of an operator that read a position in these boxes."""
        stride, padding, extent = (np.array(one) for one in (geometry.stride, geometry.padding, geometry.kernel_extent))
        first = -(-(self.starts + padding - (extent - 1)) // stride)
        last = (self.starts + np.array(self.size) - 1 + padding) // stride
        return BoxBatch.from_bounds(first, last, geometry.output_size(self.map_size))

    def required_inputs(self, geometry: SlidingGeometry, padded_size: Sequence[int]) -> BoxBatch:
        """Return the boxes that an operator reads to compute these outputs, in a padded input of the given size."""
        size = tuple((n - 1) * s + e for n, s, e in zip(self.size, geometry.stride, geometry.kernel_extent, strict=True))
        return BoxBatch(self.starts * np.array(geometry.stride), size, tuple(padded_size))

    def shifted(self, offset: Sequence[int], map_size: Sequence[int]) -> BoxBatch:
        """Return the same boxes in larger maps, in which the present maps start at an offset."""
        return BoxBatch(self.starts + np.array(offset), self.size, tuple(map_size))

    @property
    def full_maps(self) -> BoxBatch:
        """Return boxes that cover the maps."""
        return BoxBatch(np.zeros_like(self.starts), self.map_size, self.map_size)

    @property
    def area_fraction(self) -> float:
        """Return the fraction of a map that its box covers."""
        return float(np.prod(self.size) / np.prod(self.map_size))

    def equals(self, other: BoxBatch) -> bool:
        """Return whether the boxes have the same positions and size as others."""
        return self.size == other.size and bool((self.starts == other.starts).all())


def bounding_boxes(batches: Sequence[BoxBatch]) -> BoxBatch:
    """Return the smallest boxes that contain those of several batches, for maps of one size."""
    first: Any = reduce(np.minimum, [one.starts for one in batches])
    last: Any = reduce(np.maximum, [one.starts + np.array(one.size) - 1 for one in batches])
    return BoxBatch.from_bounds(first, last, batches[0].map_size)
