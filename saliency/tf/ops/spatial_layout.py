"""A layer's output on the input's spatial axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.numerics.resampling import has_same_aspect, spatial_axes, token_grid


@dataclass(frozen=True)
class Grid:
    """Tells where the outputs of a model's layers have the input's spatial axes.

    Args:
        space: the lengths of these axes of the input.
        last: whether the layers have their channels behind them.
    """

    space: tuple[int, ...]
    last: bool

    @classmethod
    def of_input(cls, shape: Sequence[int], channel_axis: int | None) -> "Grid":
        """Read the axes off the shape of N inputs, (N, *input); layers have their channels first if the input has."""
        return cls(tuple(int(shape[axis]) for axis in spatial_axes(channel_axis, len(shape))), channel_axis != 0)

    @property
    def ranks(self) -> set[int]:
        """How many axes an output may have: those of a map, or of a vision transformer's tokens."""
        return {len(self.space) + 2} | ({3} if len(self.space) == 2 else set())

    def suits(self, shape: Sequence[Any]) -> bool:
        """Tell whether an output of this shape is a map of the input: several positions, in about its proportions."""
        if len(shape) not in self.ranks or None in shape[1:]:
            return False
        if self._tokens(shape) is not None:
            return True
        space = self._space(shape)
        return len(space) == len(self.space) and math.prod(space) > 1 and has_same_aspect(space, self.space)

    def of(self, output: Any, name: str, xp: Any = tf) -> Any:
        """Return a layer's output as (N, channels, *space).

        Args:
            output: (N, *space, channels) or (N, channels, *space), as the layers have it; or a vision transformer's tokens
                (N, tokens, channels). A graph's lengths may be open.
            name: what an error calls the layer.
            xp: TensorFlow or NumPy, whose the output is.

        Raises:
            TargetError: if it has no spatial axes, or a single position on them.
        """
        shape = tuple(output.shape)
        tokens, space = self._tokens(shape), self._space(shape)
        if tokens is not None:
            extra, rows, columns = tokens
            return channels_first(xp.reshape(output[:, extra:], (-1, rows, columns, shape[-1])), xp)
        if len(space) != len(self.space) or set(space) == {1}:
            form = "(N, *space, channels)" if self.last else "(N, channels, *space)"
            raise TargetError(
                f"{name} gives the shape {shape}; a map needs {form}, with the input's {len(self.space)} spatial axes, and "
                "more than one position on them"
            )
        return channels_first(output, xp) if self.last else output

    def _space(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(shape[1:-1] if self.last else shape[2:])

    def _tokens(self, shape: Sequence[Any]) -> tuple[int, int, int] | None:
        if len(shape) != 3 or len(self.space) != 2 or None in shape[1:]:
            return None
        return token_grid(int(shape[1]), self.space[0], self.space[1])


def channels_first(output: Any, xp: Any = tf) -> Any:
    """Return (N, ..., channels) as (N, channels, ...); ``xp`` is TensorFlow or NumPy, whose the output is."""
    axes = len(output.shape)
    return xp.transpose(output, (0, axes - 1, *range(1, axes - 1)))
