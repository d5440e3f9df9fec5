"""What a mask comes back as: a NumPy array that also says how good it is."""

from typing import Any

import numpy as np
import numpy.typing as npt


class MaskArray(npt.NDArray[Any]):
    """A mask: a NumPy array, with what its method found out on the way.

    ``details`` holds, by name, one entry for a mask and (N, ...) for N masks: ``gap``, ``points`` and ``change`` of
    integrated gradients, ``standard_error`` and ``samples`` of a smoothed mask, ``incremental`` of occlusion. What is
    computed from a mask is a plain array; a part of it has no details. ``numpy.asarray(mask)`` is the plain array itself.
    """

    details: dict[str, Any]

    @classmethod
    def of(cls, array: npt.NDArray[Any], details: dict[str, Any]) -> "MaskArray":
        """Put an array and its details together."""
        mask = array.view(cls)
        mask.details = details
        return mask

    def one(self, i: int) -> "MaskArray":
        """Return one of N masks, with its details."""
        return MaskArray.of(np.asarray(np.asarray(self)[i]), {name: value[i] for name, value in self.details.items()})

    def __array_finalize__(self, source: Any) -> None:
        self.details = {}

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __reduce__(self) -> Any:
        return MaskArray.of, (np.asarray(self), self.details)
