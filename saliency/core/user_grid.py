"""The place of the input's positions in a layer's output, as the user states it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from saliency.core.errors import InputError
from saliency.core.position_grid import PositionGrid
from saliency.core.validation import as_index, shown, whole_number


@dataclass(frozen=True)
class UserGrid:
    """Where a layer's output holds the input's positions, for a layer of which the model does not tell.

    Args:
        grid: lengths of the grid of tokens on the input's spatial axes.
        tokens: the tokens that form the grid: a slice, or the number of other tokens in front of it.
        reshape: a function from the layer's output, or the gradients by it, to (N, channels, *space), instead of a grid.
    """

    grid: tuple[int, ...] = ()
    tokens: slice | int = 0
    reshape: Callable[[Any], Any] | None = None

    @classmethod
    def of(cls, grid: Any, tokens: Any, reshape: Any) -> "UserGrid | None":
        """Return the grid that a user's options state; None if all of them are None.

        Raises:
            InputError: if an option is of the wrong type, or the options do not fit together.
        """
        if reshape is not None:
            if not callable(reshape) or grid is not None or tokens is not None:
                raise InputError(f"`reshape` (={shown(reshape)}) must be a function, without `grid` and `tokens`")
            return cls(reshape=reshape)
        if grid is None:
            if tokens is not None:
                raise InputError(f"`tokens` (={shown(tokens)}) needs `grid`, the rows and columns that these tokens form")
            return None
        if not isinstance(grid, tuple | list) or not grid or any((as_index(length) or 0) < 1 for length in grid):
            raise InputError(f"`grid` (={shown(grid)}) must be whole numbers, 1 or more, such as (rows, columns)")
        if not isinstance(tokens, slice):
            tokens = 0 if tokens is None else whole_number("tokens", tokens, least=0)
        return cls(tuple(int(length) for length in grid), tokens)

    def __hash__(self) -> int:
        """Return a hash; a slice has none in older versions of Python."""
        return hash((self.grid, repr(self.tokens), self.reshape))

    @property
    def requirement(self) -> str:
        """What a layer's output must be, for an error."""
        count = math.prod(self.grid)
        return (
            f"`grid` (={self.grid}) needs tokens (N, tokens, channels), of which `tokens` (={self.tokens!r}) selects {count}. "
            "Correct `grid` or `tokens`, or name another layer"
        )

    def place(self, shape: Sequence[int], samples: int) -> PositionGrid | None:
        """Return the place of the grid in tokens (N, tokens, channels) or (tokens, N, channels); None if it does not fit."""
        if not self.grid or len(shape) != 3 or samples not in shape[:2]:
            return None
        sample_axis = 0 if shape[0] == samples else 1
        total = int(shape[1 - sample_axis])
        order = tuple(range(total)[self.tokens if isinstance(self.tokens, slice) else slice(self.tokens, None)])
        if len(order) != math.prod(self.grid):
            return None
        return PositionGrid(tuple(map(int, shape)), sample_axis, 2, order, self.grid, total)
