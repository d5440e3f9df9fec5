"""Read saliency maps of any origin, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError


@dataclass(frozen=True)
class Maps:
    """N maps as the user passed them: an array, a memory map, an HDF5 dataset, or a list of arrays.

    Args:
        values: (N, *space), or in the shape of the inputs (N, *input), whose channels are summed.
    """

    values: Any

    @classmethod
    def of(cls, values: Any, n: int) -> "Maps":
        """Return the maps of n inputs.

        Raises:
            InputError: if their number differs.
        """
        if not hasattr(values, "shape"):
            values = list(values)
        if len(values) != n:
            raise InputError(f"`masks` ({len(values)} maps) must hold one map for each of the {n} inputs")
        return cls(values)

    def part(self, start: int, stop: int, space: Sequence[int], channel_axis: int | None) -> npt.NDArray[np.float64]:
        """Read some of the maps.

        Args:
            start, stop: the maps to read.
            space: lengths of the spatial axes of an input.
            channel_axis: axis of the channels of one input; None if it has none.

        Returns:
            (stop - start, *space), a new array.

        Raises:
            InputError: if a map has another shape, is not a real number everywhere, or is not finite.
        """
        return np.stack([self._one(i, tuple(space), channel_axis) for i in range(start, stop)])

    def _one(self, i: int, space: tuple[int, ...], channel_axis: int | None) -> npt.NDArray[np.float64]:
        values = self.values[i]
        try:
            array = np.array(values.detach().cpu() if hasattr(values, "detach") else values)
        except Exception as error:
            raise InputError(f"`masks[{i}]` ({type(values).__name__}) must be an array of numbers") from error
        if array.dtype.kind not in "buif":
            raise InputError(f"`masks[{i}]` (dtype {array.dtype}) must hold real numbers")
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            bad = int(np.size(array) - np.count_nonzero(np.isfinite(array)))
            raise InputError(f"`masks[{i}]` holds {bad} NaN or infinite values of {array.size}; every value must be finite")
        if (
            channel_axis is not None
            and array.ndim == len(space) + 1
            and np.delete(array.shape, channel_axis).tolist() == [*space]
        ):
            array = array.sum(axis=channel_axis)
        if array.shape != space:
            raise InputError(
                f"`masks[{i}]` (shape {np.shape(values)}) must have the spatial shape of the input {space}, with or without "
                "its channel axis; resize it first"
            )
        return array
