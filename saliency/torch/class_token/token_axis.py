"""Where a tensor holds the tokens: an axis, which may also hold other things outside and inside of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch


@dataclass(frozen=True)
class TokenAxis:
    """The axis of a tensor that holds the tokens, of the length ``outer * tokens * inner``.

    Args:
        axis: the axis.
        tokens: number of tokens.
        outer, inner: lengths of what is merged with the tokens, such as the samples of a batch.
    """

    axis: int
    tokens: int
    outer: int = 1
    inner: int = 1

    def viewed(self, shape: Sequence[int], new_shape: Sequence[int]) -> TokenAxis | None:
        """Return the axis after a reshape; None if the reshape divides the tokens."""
        outside = prod(shape[: self.axis]) * self.outer
        inside = self.inner * prod(shape[self.axis + 1 :])
        for axis, length in enumerate(new_shape):
            before, behind = prod(new_shape[:axis]), prod(new_shape[axis + 1 :])
            outer, inner = outside // before, inside // behind
            if outer * before == outside and inner * behind == inside and length == outer * self.tokens * inner:
                return TokenAxis(axis, self.tokens, outer, inner)
        return None

    def moved(self, axis: int) -> TokenAxis:
        """Return the same on another axis."""
        return TokenAxis(axis, self.tokens, self.outer, self.inner)

    def narrowed_shape(self, shape: Sequence[int], count: int) -> tuple[int, ...]:
        """Return the shape of a tensor with a smaller number of tokens."""
        return *shape[: self.axis], self.outer * count * self.inner, *shape[self.axis + 1 :]

    def narrow(self, tensor: torch.Tensor, tokens: slice) -> torch.Tensor:
        """Return some of the tokens of a tensor."""
        shape = tensor.shape
        split = tensor.reshape(*shape[: self.axis], self.outer, self.tokens, self.inner, *shape[self.axis + 1 :])
        return split[(slice(None),) * (self.axis + 1) + (tokens,)].flatten(self.axis, self.axis + 2)
