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
        name: the name of the option, for errors.
    """

    values: Any
    name: str = "masks"

    @classmethod
    def of(cls, values: Any, n: int | None = None, counted: str = "inputs", name: str = "masks") -> "Maps":
        """Return the maps of n inputs; None accepts any number above 0.

        Raises:
            InputError: if their number differs.
        """
        if not hasattr(values, "shape"):
            values = list(values)
        if len(np.shape(values) if hasattr(values, "shape") else (1,)) == 0 or len(values) == 0:
            raise InputError(f"`{name}` ({type(values).__name__}) must hold at least one map")
        if n is not None and len(values) != n:
            raise InputError(f"`{name}` ({len(values)} maps) must hold one map for each of the {n} {counted}")
        return cls(values, name)

    def __len__(self) -> int:
        return len(self.values)

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
        return np.stack([self._of_space(i, tuple(space), channel_axis) for i in range(start, stop)])

    def one(self, i: int) -> npt.NDArray[np.float64]:
        """Return a map in its own shape, a new array.

        Raises:
            InputError: if it holds other values than finite real numbers.
        """
        values = self.values[i]
        try:
            array = np.array(values.detach().cpu() if hasattr(values, "detach") else values)
        except Exception as error:
            raise InputError(f"`{self.name}[{i}]` ({type(values).__name__}) must be an array of numbers") from error
        if array.dtype.kind not in "buif":
            raise InputError(f"`{self.name}[{i}]` (dtype {array.dtype}) must hold real numbers")
        array = array.astype(np.float64)
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise InputError(
                f"`{self.name}[{i}]` holds {bad} NaN or infinite values of {array.size}; every value must be finite"
            )
        return array

    def plane(self, i: int) -> npt.NDArray[np.float64]:
        """Return a map with two axes.

        Raises:
            InputError: if it has another number of axes. Which axis holds channels is not known here, so none is summed.
        """
        array = self.one(i)
        if array.ndim != 2:
            raise InputError(
                f"`{self.name}[{i}]` (shape {array.shape}) must be a map (H, W); sum or average its channels first, such as "
                "masks.sum(axis=1)"
            )
        return array

    def _of_space(self, i: int, space: tuple[int, ...], channel_axis: int | None) -> npt.NDArray[np.float64]:
        array = found = self.one(i)
        if channel_axis is not None and array.ndim == len(space) + 1:
            without_channels = tuple(np.delete(array.shape, channel_axis).tolist())
            array = array.sum(axis=channel_axis) if without_channels == space else array
        if array.shape != space:
            raise InputError(
                f"`{self.name}[{i}]` (shape {found.shape}) must have the spatial shape of the input {space}, with or without "
                "its channel axis; resize it first"
            )
        return array
