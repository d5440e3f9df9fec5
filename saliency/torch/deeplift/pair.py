"""An operation at the input and at the baseline."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch

from saliency.torch.deeplift.recorder import Operation

Found: TypeAlias = list[torch.Tensor | None]
"""The multipliers by each tensor among the arguments of an operation; None for one whose gradient is kept."""

POOLING_DEFAULTS: tuple[Any, ...] = ([], [0, 0], [1, 1], False)
"""The stride, padding, dilation and rounding of a maximum over windows, if they are not stated."""


@dataclass(frozen=True, eq=False)
class Pair:
    """An operation at the input and at the baseline.

    Args:
        actual: the operation at the input.
        reference: the operation at the baseline.
    """

    actual: Operation
    reference: Operation

    @property
    def args(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The tensors among the arguments, at the input and at the baseline."""
        pairs = zip(self.actual.args, self.reference.args, strict=True)
        return [(one, other) for one, other in pairs if isinstance(one, torch.Tensor)]

    @cached_property
    def changed(self) -> list[bool]:
        """Whether each floating-point tensor among the arguments changes from the baseline to the input."""
        return [one.is_floating_point() and not _same(one, other) for one, other in self.args]

    @property
    def result_change(self) -> torch.Tensor:
        """The change of the result."""
        return self.actual.result - self.reference.result

    def pull_back(self, multipliers: torch.Tensor, weight: float) -> Found:
        """Return the gradient by each tensor, at a place between the baseline (weight 0) and the input (weight 1)."""
        pooled = self._pull_back_pooling(multipliers, weight)
        if pooled is not None:
            return pooled
        places = [self.reference.args, None, self.actual.args]
        args = places[int(2 * weight)] or self._halfway()
        with torch.enable_grad():
            changed = iter(self.changed)
            leaves = [one.detach().requires_grad_(next(changed)) if isinstance(one, torch.Tensor) else one for one in args]
            result = self.actual.call(tuple(leaves))
        tensors = [one for one in leaves if isinstance(one, torch.Tensor)]
        known = [one for one in tensors if one.requires_grad]
        found = iter(torch.autograd.grad(result, known, multipliers, allow_unused=True))
        return [next(found) if one.requires_grad else None for one in tensors]

    def _pull_back_pooling(self, multipliers: torch.Tensor, weight: float) -> Found | None:
        """Return the same for a maximum over windows, whose indices are known; None for any other operation."""
        operation = self.actual if weight == 1 else self.reference
        if operation.kind != "maxpool2dwithindices" or operation.kwargs or weight == 0.5 or not self.changed[0]:
            return None
        x, *geometry = operation.args
        geometry += POOLING_DEFAULTS[len(geometry) - 1 :]
        backward = torch.ops.aten.max_pool2d_with_indices_backward
        return [backward(multipliers, x, *geometry, operation.others[0])]

    def _halfway(self) -> tuple[Any, ...]:
        pairs = zip(self.actual.args, self.reference.args, strict=True)
        return tuple(
            (one + other) / 2 if isinstance(one, torch.Tensor) and one.is_floating_point() else one for one, other in pairs
        )


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two tensors are one, such as a weight, or hold the same numbers."""
    if one.data_ptr() == other.data_ptr() and one.shape == other.shape and one.stride() == other.stride():
        return True
    return one.shape == other.shape and torch.equal(one, other)
