"""Results of a model's operators on the clean inputs, kept from one forward pass to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch


class UnsupportedOperationError(Exception):
    """Raised if a model does something with a patch that has no rule; the caller then runs plain passes."""


@dataclass
class CachedOperator:
    """Results of one operator on the clean inputs.

    Args:
        func: the operator.
        needs_full_maps: whether it receives full maps; the first pass decides, so that all passes take the same steps.
        clean_output: its (first) output, (N, channels, rows, columns).
        padded_input: its input with its padding.
    """

    func: Any
    needs_full_maps: bool = False
    clean_output: torch.Tensor | None = None
    padded_input: torch.Tensor | None = None


@dataclass
class OperatorCache:
    """The operators that receive patches, in the order of a forward pass, which is the same in every pass."""

    operators: list[CachedOperator] = field(default_factory=list)
    position: int = 0

    def rewind(self) -> None:
        """Start another pass."""
        self.position = 0

    def next_operator(self, func: Any) -> CachedOperator:
        """Return the entry for the next operator of the pass.

        Raises:
            UnsupportedOperationError: if an earlier pass had another operator at this position.
        """
        if self.position == len(self.operators):
            self.operators.append(CachedOperator(func))
        cached = self.operators[self.position]
        if cached.func is not func:
            raise UnsupportedOperationError(f"the model called {func}; in an earlier pass it called {cached.func} instead")
        self.position += 1
        return cached
