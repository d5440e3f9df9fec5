"""An operation at the input and at the baseline."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch

from saliency.torch.deeplift.recorder import Operation

Found: TypeAlias = list[torch.Tensor | None]
"""The multipliers by each tensor among the arguments of an operation; None for one whose gradient is kept."""


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
