"""What a rule of relevance propagation reads of a linear operation: its arrays, and its weights by their sign."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from saliency.core.types import Array


class LinearOperation(Protocol):
    """One call of a linear operation ``y = weight x + bias``, with the weights of a batch norm before or behind it."""

    xp: Any
    """The framework's array namespace."""
    x: Array
    """The input, (N, ...)."""
    y: Array
    """The output, (N, ...)."""
    weight: Array
    """The weights, in the operation's own layout."""
    bias: Array | None
    """The bias, in a shape that ``apply`` accepts."""
    is_nonnegative: bool
    """Whether all values of ``x`` are known to be at least 0."""
    is_rectified: bool
    """Whether only positive outputs can have relevance, because a ReLU follows."""

    def weight_by_sign(self, positive: float, negative: float) -> Array:
        """Return the weights, the positive ones times one factor and the negative ones times another; both are at least 0.

        The array may be overwritten when a rule requests the same factors for another operation.
        """

    def apply(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """Return the operation's output for another input, other weights and another bias (None: no bias)."""

    def transpose(self, multipliers: Array, weight: Array | None = None) -> Array:
        """Return the transposed weights times an array of the output's shape: the gradient of the linear map."""


@dataclass(frozen=True)
class Part:
    """The weights of an operation by their sign, computed if they are needed.

    Args:
        operation: the operation.
        positive, negative: factors of its positive and of its negative weights.
    """

    operation: LinearOperation
    positive: float
    negative: float

    @cached_property
    def weight(self) -> Array:
        """The weights, times the factors."""
        return self.operation.weight_by_sign(self.positive, self.negative)

    @property
    def bias(self) -> Array | None:
        """The bias, times the factors."""
        bias, xp = self.operation.bias, self.operation.xp
        return None if bias is None else by_sign(xp, bias, self.positive, self.negative)


def by_sign(xp: Any, array: Array, positive: float, negative: float) -> Array:
    """Return an array, the positive numbers times one factor and the negative ones times another."""
    parts = [
        part if factor == 1 else factor * part
        for factor, part in ((positive, xp.clip(array, 0.0, None)), (negative, xp.clip(array, None, 0.0)))
        if factor != 0
    ]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]
