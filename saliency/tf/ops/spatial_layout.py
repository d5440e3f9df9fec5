"""Find the input's spatial axes in a layer's output."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.numerics.resampling import has_same_aspect, spatial_axes
from saliency.core.position_grid import PositionGrid
from saliency.core.user_grid import UserGrid
from saliency.tf.ops.token_grid import axes_are_exchanged, find_token_grid


@dataclass(frozen=True)
class SpatialLayout:
    """The input's spatial shape, and the place of the channels in the outputs of a model's layers.

    Args:
        space: the input's lengths on its spatial axes.
        channels_last: whether the outputs of layers have their channels last.
        stated: the place of the positions as the user states it; None finds it in the graph.
    """

    space: tuple[int, ...]
    channels_last: bool
    stated: UserGrid | None = None

    @classmethod
    def of_input(cls, shape: Sequence[int], channel_axis: int | None, stated: UserGrid | None = None) -> "SpatialLayout":
        """Read the layout from the shape of N inputs, (N, *input). Layers have their channels first if the input has."""
        space = tuple(int(shape[axis]) for axis in spatial_axes(channel_axis, len(shape)))
        return cls(space, channel_axis != 0, stated)

    @property
    def ranks(self) -> set[int]:
        """The possible numbers of axes of a spatial output: a feature map's, and those of a vision transformer's tokens."""
        return {len(self.space) + 2} | ({3} if len(self.space) == 2 or self.stated is not None else set())

    def grid_of(self, output: Any, x: Any) -> PositionGrid | None:
        """Return the grid of positions in an output's tokens, (N, tokens, channels); None if there is none.

        Args:
            output: a layer's output, a tensor of a graph.
            x: the input's tensor in this graph.
        """
        if self.stated is not None:
            shape = tuple(output.shape)
            return None if len(shape) != 3 or None in shape[1:] else self.stated.place((1, *shape[1:]), 1)
        return find_token_grid(output, x, self.channels_last) if len(self.space) == 2 else None

    def check_axes(self, output: Any, x: Any, name: str) -> None:
        """Check that a feature map has its spatial axes in the input's order.

        Raises:
            TargetError: if they are exchanged.
        """
        if self.has_exchanged_axes(output, x):
            raise TargetError(
                f"{name} outputs the shape {tuple(output.shape)} with the input's spatial axes in another order. Name the "
                "layer before the exchange, or pass reshape=, a function that exchanges them back"
            )

    def has_exchanged_axes(self, output: Any, x: Any) -> bool:
        """Return whether a feature map has the input's spatial axes in another order."""
        rank, is_stated = len(self.space) + 2, self.stated is not None
        return (
            not is_stated and output.shape.rank == x.shape.rank == rank and axes_are_exchanged(output, x, self.channels_last)
        )

    def is_spatial(self, shape: Sequence[Any], grid: PositionGrid | None) -> bool:
        """Tell whether an output of this shape has the input's spatial axes: several positions, in similar proportions."""
        if grid is not None or self.stated is not None:
            return grid is not None
        if len(shape) not in self.ranks or None in shape[1:]:
            return False
        space = self._spatial_shape(shape)
        return (
            len(space) == len(self.space) and math.prod(space) > 1 and (len(space) == 3 or has_same_aspect(space, self.space))
        )

    def to_feature_map(self, output: Any, name: str, grid: PositionGrid | None, xp: Any = tf) -> Any:
        """Return a layer's output as (N, channels, *space).

        Args:
            output: (N, *space, channels) or (N, channels, *space), in the layers' layout; or a vision transformer's tokens
                (N, tokens, channels). A graph's lengths may be unknown.
            name: the layer's name in errors.
            grid: of the output's tokens, see ``grid_of``.
            xp: the output's namespace, TensorFlow or NumPy.

        Raises:
            TargetError: if the output has no spatial axes, or a single position on them.
        """
        shape = tuple(output.shape)
        space = self._spatial_shape(shape)
        if self.stated is not None and self.stated.reshape is not None:
            return self._checked(self.stated.reshape(output), name)
        if grid is not None:
            return channels_first(xp.reshape(_take(output, grid, xp), (-1, *grid.space, shape[-1])), xp)
        if self.stated is not None:
            raise TargetError(f"{name} outputs the shape {shape}; {self.stated.requirement}")
        if len(space) != len(self.space) or set(space) == {1}:
            expected = "(N, *space, channels)" if self.channels_last else "(N, channels, *space)"
            raise TargetError(
                f"{name} outputs the shape {shape}; a map needs {expected}, with the input's {len(self.space)} spatial axes "
                "and more than one position on them, or tokens that the model cuts from the input. Name another layer, or "
                "state the positions: grid=(rows, columns), tokens=slice(...)"
            )
        return channels_first(output, xp) if self.channels_last else output

    def _checked(self, arranged: Any, name: str) -> Any:
        if len(getattr(arranged, "shape", ())) != len(self.space) + 2:
            raise TargetError(
                f"`reshape` returned a {type(arranged).__name__} of shape {tuple(getattr(arranged, 'shape', ()))} for the "
                f"output of {name}; it must return (N, channels, *space) with {len(self.space)} spatial axes"
            )
        return arranged

    def _spatial_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(shape[1:-1] if self.channels_last else shape[2:])


def _take(tokens: Any, grid: PositionGrid, xp: Any) -> Any:
    if grid.run is not None:
        return tokens[:, grid.run]
    return tf.gather(tokens, grid.order, axis=1) if xp is tf else tokens[:, list(grid.order)]


def channels_first(output: Any, xp: Any = tf) -> Any:
    """Return (N, ..., channels) as (N, channels, ...); ``xp`` is the output's namespace, TensorFlow or NumPy."""
    axes = len(output.shape)
    return xp.transpose(output, (0, axes - 1, *range(1, axes - 1)))
