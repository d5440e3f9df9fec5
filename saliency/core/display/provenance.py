"""What a mask is of: the method, the inputs and the targets, in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

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
