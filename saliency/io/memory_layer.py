"""Layers whose values are in memory, and layers concatenated along the stimuli."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.chunks import Slices
from saliency.io.layer import N_AXES, Array, Layer


@dataclass(frozen=True, eq=False)
class InMemoryLayer(Layer):
    """A layer whose values are in memory."""

    values: Array

    @classmethod
    def from_array(cls, values: npt.ArrayLike) -> "InMemoryLayer":
        """Return the layer of an array (stimuli, channels, rows, columns); the last one or two axes may be missing.

        Raises:
            ValueError: if the array is empty, is not numeric, is masked, or has other axes.
        """
        if _has_masked_values(values):
            raise ValueError("an activation must not have masked values, which a file cannot store; fill them first")
        try:
            array = np.asarray(values)
        except Exception as error:  # a tensor on a GPU, of bfloat16 or that requires a gradient, and ragged lists
            kind = f"{type(values).__name__} of {getattr(values, 'dtype', 'several types')}"
            reason = " ".join(str(error).split())
            raise ValueError(
                f"an activation ({kind}) must be convertible to a NumPy array, such as float32: {reason}"
            ) from error
        if not 2 <= array.ndim <= N_AXES or not array.size or array.dtype.kind not in "fiu":
            raise ValueError(
                f"an activation (shape {array.shape}, {array.dtype}) must be a non-empty array of numbers "
                "(stimuli, channels, rows, columns); the last axes may be missing"
            )
        values_4d = array.reshape(*array.shape, *(1,) * (N_AXES - array.ndim))
        return cls(values_4d.shape, values_4d.dtype, (1,) * N_AXES, array.ndim, values_4d)

    def read_block(self, slices: Slices) -> Array:
        """Return the values inside four slices."""
        return self.values[slices]


@dataclass(frozen=True, eq=False)
class ConcatenatedLayer(Layer):
    """One layer's activation to the stimuli of several sources, one source after the other."""

    parts: tuple[Layer, ...]

    @classmethod
    def from_layers(cls, parts: Sequence[Layer]) -> "ConcatenatedLayer":
        """Concatenate layers along their stimuli.

        Raises:
            ValueError: if their channels, rows or columns differ.
        """
        map_shapes = sorted({part.shape[1:] for part in parts})
        if len(map_shapes) > 1:
            raise ValueError(
                "its (channels, rows, columns) must be the same in all activations, but there are "
                f"{', '.join(map(str, map_shapes))}"
            )
        shape = (sum(part.shape[0] for part in parts), *map_shapes[0])
        dtype: np.dtype[Any] = np.result_type(*(part.dtype for part in parts))
        return cls(shape, dtype, parts[0].chunk_shape, min(part.stored_axes for part in parts), tuple(parts))

    def read_block(self, slices: Slices) -> Array:
        """Read the values inside four slices from the parts that contain them."""
        values, offset = [], 0
        for part in self.parts:
            start, stop = max(slices[0].start - offset, 0), min(slices[0].stop - offset, part.shape[0])
            if start < stop:
                values.append(part.read_block((slice(start, stop), *slices[1:])))
            offset += part.shape[0]
        return np.concatenate(values, dtype=self.dtype)


def _has_masked_values(values: Any) -> bool:
    """Return whether an array, or one of a list of arrays, has masked values, which ``np.asarray`` would unmask."""
    return any(map(_has_masked_values, values)) if isinstance(values, list | tuple) else bool(np.ma.is_masked(values))
