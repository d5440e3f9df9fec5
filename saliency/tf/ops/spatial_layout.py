"""Find the input's spatial axes in a layer's output."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.numerics.resampling import has_same_aspect, spatial_axes, token_grid


@dataclass(frozen=True)
class SpatialLayout:
    """The input's spatial shape, and the place of the channels in the outputs of a model's layers.

    Args:
        space: the input's lengths on its spatial axes.
        channels_last: whether the outputs of layers have their channels last.
    """

    space: tuple[int, ...]
    channels_last: bool

    @classmethod
    def of_input(cls, shape: Sequence[int], channel_axis: int | None) -> "SpatialLayout":
        """Read the layout from the shape of N inputs, (N, *input). Layers have their channels first if the input has."""
        return cls(tuple(int(shape[axis]) for axis in spatial_axes(channel_axis, len(shape))), channel_axis != 0)

    @property
    def ranks(self) -> set[int]:
        """The possible numbers of axes of a spatial output: a feature map's, and those of a vision transformer's tokens."""
        return {len(self.space) + 2} | ({3} if len(self.space) == 2 else set())

    def is_spatial(self, shape: Sequence[Any]) -> bool:
        """Tell whether an output of this shape has the input's spatial axes: several positions, in similar proportions."""
        if len(shape) not in self.ranks or None in shape[1:]:
            return False
        if self._token_grid(shape) is not None:
            return True
        space = self._spatial_shape(shape)
        return (
            len(space) == len(self.space) and math.prod(space) > 1 and (len(space) == 3 or has_same_aspect(space, self.space))
        )

    def to_feature_map(self, output: Any, name: str, xp: Any = tf) -> Any:
        """Return a layer's output as (N, channels, *space).

        Args:
            output: (N, *space, channels) or (N, channels, *space), in the layers' layout; or a vision transformer's tokens
                (N, tokens, channels). A graph's lengths may be unknown.
            name: the layer's name in errors.
            xp: the output's namespace, TensorFlow or NumPy.

        Raises:
            TargetError: if the output has no spatial axes, or a single position on them.
        """
        shape = tuple(output.shape)
        tokens, space = self._token_grid(shape), self._spatial_shape(shape)
        if tokens is not None:
            extra, rows, columns = tokens
            return channels_first(xp.reshape(output[:, extra:], (-1, rows, columns, shape[-1])), xp)
        if len(space) != len(self.space) or set(space) == {1}:
            expected = "(N, *space, channels)" if self.channels_last else "(N, channels, *space)"
            raise TargetError(
                f"{name} outputs the shape {shape}; a map needs {expected}, with the input's {len(self.space)} spatial axes "
                "and more than one position on them"
            )
        return channels_first(output, xp) if self.channels_last else output

    def _spatial_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(shape[1:-1] if self.channels_last else shape[2:])

    def _token_grid(self, shape: Sequence[Any]) -> tuple[int, int, int] | None:
        if len(shape) != 3 or len(self.space) != 2 or None in shape[1:]:
            return None
        return token_grid(int(shape[1]), self.space[0], self.space[1])


def channels_first(output: Any, xp: Any = tf) -> Any:
    """Return (N, ..., channels) as (N, channels, ...); ``xp`` is the output's namespace, TensorFlow or NumPy."""
    axes = len(output.shape)
    return xp.transpose(output, (0, axes - 1, *range(1, axes - 1)))
