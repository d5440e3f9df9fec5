"""What a mask tells of: the method, the input and the target, for whoever looks at it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.target import Target
from saliency.core.validation import host_numbers


@dataclass(frozen=True)
class Provenance:
    """What N masks are of.

    Nothing here keeps a model alive: a layer or a function is told by its name.

    Args:
        method: in words, such as ``Vanilla, smoothed``.
        targets: N of them in words, such as ``class 3``.
        inputs: the N inputs as the user gave them, the same objects where they are on the host; None where they
            were left behind.
        channel_axis: of one input, see ``GradientAdapter``.
        several: whether the mask has an axis for the N; if not, N is 1.
    """

    method: str
    targets: Sequence[str]
    inputs: Any
    channel_axis: int | None
    several: bool = True

    def one(self, i: int) -> "Provenance":
        """Return what one of the N is of."""
        inputs = None if self.inputs is None else [self.inputs[i]]
        return replace(self, targets=[self.targets[i]], inputs=inputs, several=False)

    def without_inputs(self) -> "Provenance":
        """Return what is worth writing to a file."""
        return replace(self, inputs=None)

    def input(self, i: int) -> npt.NDArray[Any] | None:
        """Return one of the inputs, as the model has its axes; None where it was left behind."""
        return None if self.inputs is None else host_numbers(self.inputs[i], f"input {i}", self.channel_axis)


def describe_targets(target: Target, ys: Sequence[Any]) -> list[str]:
    """Return the targets of N samples in words.

    Args:
        target: of the samples, in which every top class has been found.
        ys: as the user gave them; None for a sample's top class.
    """
    if target.function is not None:
        name = getattr(target.function, "__name__", type(target.function).__name__)
        return ["a function of the output" if name == "<lambda>" else f"{name} of the output"] * len(ys)
    named = zip(ys, target.units, target.weights, strict=True)
    return [("top " if y is None else "") + _words(target.layer, units[weights > 0]) for y, units, weights in named]


def _words(layer: Any, units: npt.NDArray[np.int64]) -> str:
    """Return one target in words: a layer, and (terms, 1) channels or (terms, 3) channel, row, column."""
    one, many = ("class", "classes") if layer is None else ("channel", "channels")
    terms = [str(unit[0]) + (f" at row {unit[1]}, column {unit[2]}" if len(unit) == 3 else "") for unit in units]
    told = f"{one if len(terms) == 1 else many} {' + '.join(terms)}"
    if layer is None:
        return told
    name = layer if isinstance(layer, str) else getattr(layer, "name", type(layer).__name__)
    return f"layer {name}, {told}"
