"""What a model's inputs are known to be: from its network's preprocessing, or from its batch normalization."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt


class ExpectedInput(NamedTuple):
    """The input of a network by name.

    Args:
        size: (height, width) in pixels.
        largest: largest magnitude of a value.
    """

    size: tuple[int, int]
    largest: float


class NormalizedLayer(NamedTuple):
    """A batch normalization with the statistics of its training.

    Args:
        layer: its name, as a target's layer.
        magnitude: root mean square of its output, over channels, for inputs as in training.
    """

    layer: str
    magnitude: float

    @classmethod
    def of(cls, layer: str, mean: Any, variance: Any, scale: Any, shift: Any) -> "NormalizedLayer | None":
        """Return the layer for the arrays (channels,) of a batch normalization; None if its statistics are the initial ones.

        The output of channel c has the mean ``shift[c]`` and the standard deviation ``scale[c]`` in training.
        """
        if not np.any(mean) and np.all(np.asarray(variance) == 1):
            return None
        squares = [np.mean(np.square(np.asarray(one, np.float64))) for one in (scale, shift)]
        magnitude = math.sqrt(sum(squares))
        return cls(layer, magnitude) if math.isfinite(magnitude) and magnitude > 0 else None


_expected: "WeakKeyDictionary[Any, ExpectedInput]" = WeakKeyDictionary()


def remember_expected_input(model: Any, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]) -> None:
    """Remember the input of a model: pixels of 0 to 1 minus a mean, divided by a standard deviation, in (height, width)."""
    ends: npt.NDArray[np.float64] = (np.array([[0.0], [1.0]]) - np.asarray(mean)) / np.asarray(std)
    try:
        _expected[model] = ExpectedInput(size, float(np.abs(ends).max()))
    except TypeError:  # no weak references, or not hashable
        return


def expected_input(model: Any) -> ExpectedInput | None:
    """Return what ``remember_expected_input`` remembered of a model."""
    try:
        return _expected.get(model)
    except TypeError:
        return None
