"""Where the values of a graph hold the positions of its input, proven from each operation.

For each axis of a value, an array (length, axes of the input) holds coordinates in the input, from 1; those of a position are
the sums over the axes. Zero means no dependence on the axis, NaN an unknown place, as that of a class token.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from saliency.core.grid_reading import Centers, read_grid
from saliency.core.position_grid import PositionGrid
from saliency.jax.graph import inner_graphs, variables
from saliency.jax.position_rules import RULES, Axes, Axis, Step, begin_grid, elementwise
from saliency.jax.relu_rules import POINTWISE


class Positions:
    """The coordinates of all values of a graph.

    Args:
        graph: a flat graph.
        x: its variable that holds the input, (N, *input).
        begun: the spatial axes of the input, along which a convolution of values without positions begins a grid. It tells the
            axis of the channels from the others, but is not a grid of the input.
    """

    def __init__(self, graph: Any, x: Any, begun: Sequence[int] = ()) -> None:
        self.shape, self._begun = x.aval.shape, begun
        axes = np.arange(len(self.shape))
        given = [np.where(axes == k, np.arange(1.0, length + 1)[:, None], 0) for k, length in enumerate(self.shape)]
        self.known: dict[Any, Axes] = {x: given}
        self.channels: set[int] = set()
        self._follow(graph.jaxpr)

    def grid(self, var: Any, spatial: Sequence[int]) -> PositionGrid | None:
        """Return the grid of the positions on the spatial axes of the input; None if a value is not known to hold one."""
        centers = self.centers(var, spatial)
        return None if centers is None else read_grid(*centers, tuple(map(len, self.known[var])), self.shape[0])

    def centers(self, var: Any, spatial: Sequence[int]) -> tuple[list[Centers | None], Centers | None] | None:
        """Return where a value's entries lie on the spatial axes, and among the samples; None if they may lie elsewhere."""
        axes = self.known.get(var, [])
        unknown = [i for i, axis in enumerate(axes) if np.isnan(axis).all()]
        if len(unknown) > 1:  # besides that of the channels
            return None
        return [self._centers(axes, k) for k in spatial], self._centers(axes, 0)

    def _centers(self, axes: Axes, k: int) -> Centers | None:
        """Return the centers of a value's entries on one axis of the input."""
        varying = [i for i, axis in enumerate(axes) if _varies(axis[:, k])]
        known = [i for i, axis in enumerate(axes) if not np.isnan(axis[:, k]).all()]
        lines = [axis[:, k] if i in varying else axis[:1, k] if i in known else np.zeros(1) for i, axis in enumerate(axes)]
        table = functools.reduce(np.add.outer, lines) if lines else np.zeros(())
        centers = np.where(table > 0, (table - 0.5) / self.shape[k], -1.0)
        return Centers(centers, varying) if bool((centers >= 0).any()) else None

    def _is_axis(self, axis: Axis, k: int) -> bool:
        return len(axis) == self.shape[k] and np.array_equal(axis[:, k], np.arange(1, len(axis) + 1))

    def _follow(self, graph: Any) -> None:
        for eqn in graph.eqns:
            given = [None if v not in variables([v]) else self.known.get(v) for v in eqn.invars]
            if any(one is not None for one in given):
                rule = RULES.get(eqn.primitive.name) or (elementwise if eqn.primitive.name in POINTWISE else None)
                shapes = [var.aval.shape for var in eqn.outvars]
                if eqn.primitive.name == "conv_general_dilated" and given[0] is not None:
                    self._note_channels(eqn, given[0])
                results = self._inner(eqn, given) if eqn.primitive.name.startswith("custom_") else None
                for i, (var, shape) in enumerate(zip(eqn.outvars, shapes, strict=True)):
                    found = results[i] if results else rule(Step(eqn, given, shape, i)) if rule else None
                    if self._begun and eqn.primitive.name == "conv_general_dilated":
                        found = begin_grid(eqn, found or [self._unknown(length) for length in shape], self._begun)
                    self.known[var] = found or [self._unknown(length) for length in shape]

    def _inner(self, eqn: Any, given: list[Axes | None]) -> list[Axes | None] | None:
        for graph in inner_graphs(eqn):
            self.known.update((var, one) for var, one in zip(graph.invars, given, strict=False) if one is not None)
            self._follow(graph)
            return [self.known.get(var) if variables([var]) else None for var in graph.outvars]
        return None

    def _note_channels(self, eqn: Any, given: Axes) -> None:
        """Record the axis of the input that the first convolutions read as their channels."""
        feature = given[eqn.params["dimension_numbers"].lhs_spec[1]]
        self.channels |= {k for k in range(1, len(self.shape)) if self._is_axis(feature, k)}

    def _unknown(self, length: int) -> Axis:
        return np.full((length, len(self.shape)), np.nan)


def arrange(output: Any, grid: PositionGrid) -> Any:
    """Return an output as (N, channels, *space)."""
    tokens = jnp.transpose(output, (grid.sample_axis, grid.channel_axis, *grid.position_axes))
    tokens = tokens.reshape(*tokens.shape[:2], -1)[..., jnp.asarray(grid.order)]
    return tokens.reshape(*tokens.shape[:2], *grid.space)


def _varies(line: npt.NDArray[np.float64]) -> bool:
    return not np.array_equal(line, np.full_like(line, line[0]), equal_nan=True)
