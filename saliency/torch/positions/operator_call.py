"""One call of an operator in a recorded forward pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from saliency.torch.positions.state import Positions

Lookup: TypeAlias = Callable[[Any], Positions | None]
"""A function from a value to its positions, None if it has none."""


@dataclass(eq=False)
class OperatorCall:
    """An operator, its arguments and its result.

    Args:
        func: the operator.
        name: its name, without the overload.
        args, kwargs: its arguments.
        result: what it returned.
        of: returns the positions of an argument.
    """

    func: Any
    name: str
    args: Sequence[Any]
    kwargs: dict[str, Any]
    result: Any
    of: Lookup

    @property
    def first(self) -> Positions | None:
        """The positions of the first argument."""
        return self.of(self.args[0]) if self.args else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result; empty for several results."""
        return tuple(self.result.shape) if isinstance(self.result, torch.Tensor) else ()
