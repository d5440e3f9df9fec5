"""Types that masks and adapters share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any
"""An array of the adapter's framework, on the model's device."""

Rule: TypeAlias = Literal["guided", "rectified"] | Callable[[Array, Array], Array]
"""How a gradient passes a ReLU: ``guided`` multiplies by (x > 0)(gradient > 0), ``rectified`` by (gradient > 0).

A user-defined rule is a callable ``rule(gradient, output)``. It receives the gradient that arrives at a ReLU, (N, ...), and
the output of the ReLU, of the same shape. It returns the gradient that passes. All are arrays of the framework and of one
dtype, so ``lambda gradient, output: abs(gradient)`` works in every framework. TensorFlow calls the rule while it builds a
graph, once for each ReLU, and keeps the graph as long as the rule exists.
"""


ChannelAxis: TypeAlias = int | Literal["found"] | None
"""The axis of a model's output that holds the channels; ``"found"``: the one that the model proves; None: there is none."""


@dataclass(frozen=True)
class OutputOf:
    """Select the output of a layer for an option that selects the layer's input otherwise.

    Args:
        layer: name of the layer, or the layer itself.
    """

    layer: Any


class OccludedOutputs(Protocol):
    """Outputs for inputs (N, *input) with an occluded window, which recompute only what the window changes.

    Args:
        saved_fraction: fraction of the work of full forward passes that is saved, known after the first call. It is an
            estimate from shapes alone, so the same call always makes the same choice.
    """

    saved_fraction: float

    def outputs(self, rows: npt.NDArray[np.int64], corners: npt.NDArray[np.int64], feed: Mapping[str, Any]) -> Any:
        """Return what ``GradientAdapter.outputs`` returns for the occluded inputs.

        Args:
            rows: index of the input of each sample, (samples,).
            corners: first position of the window of each sample on each spatial axis, (samples, axes).
            feed: the model's other inputs by name, arrays (samples, ...).

        Raises:
            Exception: of any kind, if the model contains an operation that is not supported.
        """
