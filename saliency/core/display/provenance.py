"""The description of a mask: its method, inputs and targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from saliency.core.validation import host_numbers


@dataclass(frozen=True)
class Provenance:
    """The method, the inputs and the targets of N masks.

    It holds no reference to the model: layers and functions are described by name.

    Args:
        method: name of the method, such as ``Vanilla, smoothed``.
        targets: descriptions of the N targets, such as ``class 3``.
        inputs: the N inputs as the user passed them; the same objects if they are on the host. None if they were dropped.
        channel_axis: channel axis of one input; see ``GradientAdapter``.
        several: whether the mask has an axis for N; if not, N is 1.
        unit: the unit of the mask's values, such as ``score per unit of input``; empty if it has none.
        record: the record of the computation, as JSON; see ``saliency.core.computation_record``.
    """

    method: str
    targets: Sequence[str]
    inputs: Any
    channel_axis: int | None
    several: bool = True
    unit: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    def one(self, i: int) -> "Provenance":
        """Return the provenance of one of the N masks."""
        inputs = None if self.inputs is None else [self.inputs[i]]
        return replace(self, targets=[self.targets[i]], inputs=inputs, several=False)

    def some(self, entries: slice) -> "Provenance":
        """Return the provenance of some of the N masks."""
        inputs = None if self.inputs is None else self.inputs[entries]
        return replace(self, targets=self.targets[entries], inputs=inputs)

    def without_inputs(self) -> "Provenance":
        """Return the provenance without the inputs, for pickling."""
        return replace(self, inputs=None)

    def input(self, i: int) -> npt.NDArray[Any] | None:
        """Return one of the inputs with the model's order of axes; None if the inputs were dropped."""
        return None if self.inputs is None else host_numbers(self.inputs[i], f"input {i}", self.channel_axis)
