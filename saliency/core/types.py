"""The terms in which an adapter is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any
"""An array of the adapter's framework, on the model's device."""

Rule: TypeAlias = Literal["guided", "rectified"] | Callable[[Array, Array], Array]
"""How a gradient passes a ReLU: ``guided`` multiplies by (x > 0)(gradient > 0), ``rectified`` by (gradient > 0).

A rule of your own is a callable from the gradient that arrives at a ReLU, (N, ...), and what the ReLU gave, of the same shape,
to the gradient that passes it: arrays of the framework, of one type, so ``lambda gradient, output: abs(gradient)`` does on all
of them. In TensorFlow it is called while a graph is built, once for each ReLU, and the graph is kept as long as the rule is.
"""


@dataclass(frozen=True)
class OutputOf:
    """Stands for a layer's output where the layer alone would stand for its input.

    Args:
        layer: its name, or the layer itself.
    """

    layer: Any


class OccludedOutputs(Protocol):
    """Forward passes of clean inputs (N, *input) of which a window is covered, that compute only what the window changes.

    Args:
        saves: what part of the plain way's work the passes save, known after the first: an estimate that depends on shapes
            alone, so that the same call always takes the same way.
    """

    saves: float

    def outputs(self, rows: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], feed: Mapping[str, Any]) -> Any:
        """Return what ``GradientAdapter.outputs`` would.

        Args:
            rows: which of the N inputs each sample is, (samples,).
            corners: where its window begins on each spatial axis, (samples, axes).
            feed: the model's other inputs by name, arrays (samples, ...).

        Raises:
            Exception: of any kind, where the model can't be followed.
        """
