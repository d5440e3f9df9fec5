"""One operation of the model whose inputs are patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.incremental.box_batch import BoxBatch
from saliency.core.incremental.forward_cost import MAX_AREA_FRACTION, ForwardCost
from saliency.tf.incremental.patch import Patch, PatchAssembly
from saliency.tf.ops.operation_copy import copy_operation

CHANNELS_LAST = tf.compat.v1.AttrValue(s=b"NHWC")

POSITION_COST = 600
"""Time to compute the index of a position, in multiplications."""


@dataclass(frozen=True)
class PatchCall:
    """An operation with patches in the place of some of its inputs.

    Args:
        op: the operation of the model.
        inputs: its inputs: patches, and tensors that do not depend on the explained input.
        assembly: assembles the values of boxes.
        cost: the cost of the graph, which the call updates.
    """

    op: Any
    inputs: Sequence[Any]
    assembly: PatchAssembly
    cost: ForwardCost

    @property
    def patches(self) -> list[Patch]:
        """Return the patches among the inputs."""
        return [one for one in self.inputs if isinstance(one, Patch)]

    @property
    def only_patch(self) -> Patch | None:
        """Return the first input if it is a patch, and the only one."""
        first = self.inputs[0]
        return first if isinstance(first, Patch) and len(self.patches) == 1 else None

    def is_worthwhile(self, boxes: BoxBatch) -> bool:
        """Return whether boxes of the output are small enough for a patch."""
        return boxes.area_fraction <= MAX_AREA_FRACTION

    def values_in(self, patch: Patch, boxes: BoxBatch, **padding: Any) -> Any:
        """Return the values of a patch in other boxes, and add the cost; see ``PatchAssembly.values_in``."""
        values = self.assembly.values_in(patch, boxes, **padding)
        if values is not patch.values:
            positions = boxes.size[0] * boxes.size[1]
            self.cost.add_call(POSITION_COST * positions, patch.channels * positions)
        return values

    def copy(self, inputs: Sequence[Any]) -> Any:
        """Return the (first) output of a copy of the operation on values with their channels last."""
        attributes = {"data_format": CHANNELS_LAST} if "data_format" in self.op.node_def.attr else {}
        return copy_operation(self.op.graph, self.op, inputs, attributes).outputs[0]

    def make_patch(self, boxes: BoxBatch, values: Any, work: float) -> Patch:
        """Return the output as a patch and add its cost, ``work`` multiplications for each number."""
        patch = Patch(self.op.outputs[0], values, boxes, self.patches[0].channels_first)
        self.cost.add_patch(patch.channels, boxes, work)
        return patch
