"""Where a layer's output holds the input's spatial axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from saliency.core.errors import TargetError
from saliency.core.numerics.resampling import spatial_axes
from saliency.core.position_grid import PositionGrid
from saliency.core.user_grid import UserGrid
from saliency.tf.positions.reading import arrange, read_grid
from saliency.tf.positions.tracker import PositionTracker


@dataclass(frozen=True)
class SpatialLayout:
    """The input's shape, its spatial axes, and the place of the channels in the outputs of a model's layers.

    Args:
        shape: of one input.
        axes: the spatial axes of a batch of inputs, (N, *input).
        channels_last: whether the outputs of layers have their channels last.
        stated: the place of the positions as the user states it; None finds it in the graph.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    channels_last: bool
    stated: UserGrid | None = None

    @classmethod
    def of_input(cls, shape: Sequence[int], channel_axis: int | None, stated: UserGrid | None = None) -> "SpatialLayout":
        """Read the layout from the shape of N inputs, (N, *input). Layers have their channels first if the input has."""
        one = tuple(int(length) for length in shape[1:])
        return cls(one, spatial_axes(channel_axis, len(shape)), channel_axis != 0, stated)

    @property
    def ranks(self) -> set[int]:
        """The possible numbers of axes of a spatial output: a feature map's, and those of a vision transformer's tokens."""
        return {len(self.axes) + 2} | ({3} if len(self.axes) > 1 or self.stated is not None else set())

    def follow(self, x: Any, outputs: Sequence[Any]) -> PositionTracker:
        """Follow the positions of the input to the outputs of layers, tensors of the same graph."""
        return PositionTracker(x, (1, *self.shape), self.axes, outputs)

    def grid_of(self, output: Any, positions: PositionTracker) -> PositionGrid | None:
        """Return the grid of the input's positions in a layer's output; None if it has none, or none is known."""
        if self.stated is not None:
            shape = tuple(output.shape)
            return None if None in shape[1:] else self.stated.place((1, *shape[1:]), 1)
        return read_grid(positions.of(output), positions.samples)

    def to_feature_map(self, output: Any, name: str, grid: PositionGrid | None, xp: Any = tf) -> Any:
        """Return a layer's output as (N, channels, *space).

        Args:
            output: the layer's output, or gradients of its shape. A graph's lengths may be unknown.
            name: the layer's name in errors.
            grid: of the output, see ``grid_of``.
            xp: the output's namespace, TensorFlow or NumPy.

        Raises:
            TargetError: if the grid is not known, or has a single position.
        """
        if self.stated is not None and self.stated.reshape is not None:
            return self._checked(self.stated.reshape(output), name)
        if grid is not None and math.prod(grid.space) > 1:
            return arrange(output, grid, xp)
        shape = tuple(output.shape)
        if self.stated is not None:
            raise TargetError(f"{name} outputs the shape {shape}; {self.stated.requirement}")
        expected = "(N, *space, channels)" if self.channels_last else "(N, channels, *space)"
        raise TargetError(
            f"{name} outputs the shape {shape}; a map needs {expected}, with the input's {len(self.axes)} spatial axes and "
            "more than one position on them, or tokens that the model cuts from the input. This output is not known to hold "
            "the positions of the whole input. Name another layer= or state the positions: grid=(rows, columns) and "
            "tokens=slice(...) for tokens, or reshape=, a function that returns (N, channels, *space)"
        )

    def _checked(self, arranged: Any, name: str) -> Any:
        if len(getattr(arranged, "shape", ())) != len(self.axes) + 2:
            raise TargetError(
                f"`reshape` returned a {type(arranged).__name__} of shape {tuple(getattr(arranged, 'shape', ()))} for the "
                f"output of {name}; it must return (N, channels, *space) with {len(self.axes)} spatial axes"
            )
        return arranged
