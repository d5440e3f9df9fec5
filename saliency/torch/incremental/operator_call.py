"""One call of an operator that receives patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from saliency.core.incremental.box_batch import BoxBatch
from saliency.core.incremental.forward_cost import MAX_AREA_FRACTION, ForwardCost
from saliency.torch.incremental.operator_cache import CachedOperator
from saliency.torch.incremental.patch import Patch


@dataclass(frozen=True)
class OperatorCall:
    """A call of an operator with patches in the place of tensors.

    Args:
        func: the operator; for one that works in place, the version that does not.
        args, kwargs: its arguments.
        cached: its results on the clean inputs.
        cost: the cost of the pass, which the call updates.
    """

    func: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    cached: CachedOperator
    cost: ForwardCost

    @property
    def patches(self) -> list[Patch]:
        """Return the patches among the arguments and in their lists."""
        flat = [one for arg in self.args for one in (arg if isinstance(arg, list | tuple) else (arg,))]
        return [one for one in flat if isinstance(one, Patch)]

    def is_worthwhile(self, boxes: BoxBatch) -> bool:
        """Return whether boxes of the output are small enough for a patch."""
        return self.cached.clean_output is not None or boxes.area_fraction <= MAX_AREA_FRACTION

    def evaluate(self, convert: Callable[[Patch], torch.Tensor]) -> torch.Tensor:
        """Call the operator with each patch converted to a tensor, and return its (first) output."""
        return _first_output(self.func(*replace_instances(self.args, Patch, convert), **self.kwargs))

    def clean_output(self) -> torch.Tensor:
        """Return the output for the clean inputs, which the first pass computes."""
        if self.cached.clean_output is None:
            output = self.evaluate(lambda patch: patch.clean)
            self.cached.clean_output = output.contiguous(memory_format=torch.channels_last)
        return self.cached.clean_output

    def make_patch(self, boxes: BoxBatch, values: torch.Tensor, work: float) -> Patch:
        """Return the output as a patch and add its cost, ``work`` multiplications for each number."""
        self.cost.add_patch(values.shape[1], boxes, work)
        return Patch(self.clean_output(), self.patches[0].indices, boxes, values)


def _first_output(result: Any) -> torch.Tensor:
    output: torch.Tensor = result[0] if isinstance(result, list | tuple) else result
    return output


def replace_instances(args: Sequence[Any], kind: type, convert: Callable[[Any], Any]) -> list[Any]:
    """Return arguments in which each instance of a type, also in lists, is replaced by its conversion."""
    return [
        [convert(one) if isinstance(one, kind) else one for one in arg]
        if isinstance(arg, list | tuple)
        else convert(arg)
        if isinstance(arg, kind)
        else arg
        for arg in args
    ]
