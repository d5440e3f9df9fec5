"""How each operation of JAX moves the positions of its inputs; see ``saliency.jax.positions``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.reshape_groups import reshape_groups

Axis: TypeAlias = npt.NDArray[np.float64]
Axes: TypeAlias = list[Axis]


@dataclass(frozen=True)
class Step:
    """An equation, the known coordinates of its inputs, and the shape and number of a result."""

    eqn: Any
    given: list[Axes | None]
    shape: tuple[int, ...]
    number: int

    @property
    def first(self) -> Axes:
        """The coordinates of the first input that has any."""
        return next(one for one in self.given if one is not None)

    @property
    def width(self) -> int:
        """The number of axes of the graph's input."""
        return int(self.first[0].shape[1]) if self.first else 0


def elementwise(step: Step) -> Axes | None:
    """Return the coordinates of a function of each number of the inputs."""
    inputs = [one for one in step.given if one]
    return [_agreed([one[i] for one in inputs if len(one[i]) == n], n, step.width) for i, n in enumerate(step.shape)]


def _agreed(axes: Sequence[Axis], length: int, width: int) -> Axis:
    """Return the coordinates that inputs of one operation share; zeros, of a number for all positions, agree with any."""
    held = [axis for axis in axes if np.isnan(axis).any() or axis.any()] or [np.zeros((length, width))]
    return held[0] if all(np.array_equal(held[0], one, equal_nan=True) for one in held) else np.full((length, width), np.nan)


def merge(axes: Sequence[Axis], width: int) -> Axis:
    """Return the coordinates of axes that a reshape merges into one."""
    merged = np.zeros((1, width))
    for axis in axes:
        merged = (merged[:, None] + axis[None]).reshape(-1, width)
    return merged


def _reshape(step: Step) -> Axes:
    """Merge axes and split them where the coordinates are sums of one term for each new axis."""
    found: Axes = []
    for old, new in reshape_groups([len(axis) for axis in step.first], step.shape):
        merged = merge([step.first[i] for i in old], step.width)
        found += _split(merged, [step.shape[j] for j in new])
    return found


def _split(merged: Axis, lengths: Sequence[int]) -> Axes:
    if len(lengths) < 2:
        return [merged] * len(lengths)
    table = merged.reshape(lengths[0], -1, merged.shape[1])
    outer, inner = table[:, 0], table[0] - table[0, :1]
    if not np.array_equal(table, outer[:, None] + inner[None]):
        return [np.full((length, merged.shape[1]), np.nan) for length in lengths]
    if lengths[0] == 1:  # nothing to tell apart: the coordinates belong to the axis with positions
        outer, inner = np.zeros_like(outer), table[0]
    return [outer, *_split(inner, lengths[1:])]


def _broadcast(step: Step) -> Axes:
    found = [np.zeros((length, step.width)) for length in step.shape]
    for axis, place in zip(step.first, step.eqn.params["broadcast_dimensions"], strict=True):
        found[place] = axis if len(axis) == len(found[place]) else np.repeat(axis * 0, len(found[place]), 0)
    return found


def _dropped(step: Step, name: str) -> Axes:
    return [axis for i, axis in enumerate(step.first) if i not in step.eqn.params[name]]


def _concatenate(step: Step) -> Axes:
    at = step.eqn.params["dimension"]
    lengths = [var.aval.shape[at] for var in step.eqn.invars]
    parts = [np.full((n, step.width), np.nan) if one is None else one[at] for one, n in zip(step.given, lengths, strict=True)]
    known = [one for one in step.given if one]
    joined = [_agreed([one[i] for one in known], n, step.width) for i, n in enumerate(step.shape)]
    return [np.concatenate(parts) if i == at else axis for i, axis in enumerate(joined)]


def _slice(step: Step) -> Axes:
    p = step.eqn.params
    steps = p["strides"] or [1] * len(step.shape)
    parts = map(slice, p["start_indices"], p["limit_indices"], steps)
    return [axis[part] for axis, part in zip(step.first, parts, strict=True)]


def _pad(step: Step) -> Axes | None:
    if step.given[0] is None:
        return None
    found = []
    for axis, (low, _, inner), length in zip(step.given[0], step.eqn.params["padding_config"], step.shape, strict=True):
        padded = np.full((length, step.width), np.nan)
        inside = axis[max(0, -low) : max(0, length - max(0, low) - min(0, low))]
        ends = max(0, low), max(0, low) + len(inside)
        if not inner and ends[1] <= length:
            padded[slice(*ends)] = inside
        found.append(padded)
    return found


def _same_part(axis: Axis, count: int) -> Axis:
    """Return coordinates of positions of equal size over the same part of the input; padding at the ends does not count."""
    placed = np.flatnonzero(np.isfinite(axis).all(1))
    if len(placed) == len(axis) == count or not len(placed):
        return axis if len(axis) == count else np.full((count, axis.shape[1]), np.nan)
    line = axis[placed[0] : placed[-1] + 1]
    step = (line[-1] - line[0]) / max(1, len(line) - 1)
    if not np.allclose(line, line[0] + step * np.arange(len(line))[:, None]):
        return np.full((count, axis.shape[1]), np.nan)
    return np.asarray(line[0] + step * ((np.arange(count)[:, None] + 0.5) * len(line) / count - 0.5))


def _windows(step: Step) -> Axes:
    return [_same_part(axis, length) for axis, length in zip(step.first, step.shape, strict=True)]


def _convolution(step: Step) -> Axes | None:
    if step.given[0] is None:
        return None
    dims, found = step.eqn.params["dimension_numbers"], [np.full((length, step.width), np.nan) for length in step.shape]
    if step.eqn.params["batch_group_count"] == 1:
        found[dims.out_spec[0]] = step.given[0][dims.lhs_spec[0]]
    for source, place in zip(dims.lhs_spec[2:], dims.out_spec[2:], strict=True):
        found[place] = _same_part(step.given[0][source], step.shape[place])
    return found


def begin_grid(eqn: Any, found: Axes, spatial: Sequence[int]) -> Axes:
    """Return a grid, along axes of the graph's input, for the result of a convolution of a value without positions."""
    dims = eqn.params["dimension_numbers"].out_spec[2:]
    if len(dims) > len(spatial) or not all(np.isnan(found[dim]).all() for dim in dims):
        return found
    grid = list(found)
    for dim, axis in zip(dims, spatial, strict=False):
        grid[dim] = np.zeros_like(found[dim])
        grid[dim][:, axis] = np.arange(1.0, len(grid[dim]) + 1)
    return grid


def _product(step: Step) -> Axes:
    """Return the axes of a product: those of the batch, then the free ones of each side; a side of weights has none."""
    (contracted, batch), found = step.eqn.params["dimension_numbers"], list[Axis]()
    sides = [(one, var.aval.shape) for one, var in zip(step.given, step.eqn.invars, strict=True)]
    for pair in zip(*batch, strict=True):
        held = [side[i] for (side, _), i in zip(sides, pair, strict=True) if side is not None]
        found.append(_agreed(held, len(held[0]), step.width))
    for (side, shape), gone in zip(sides, map(set, map(lambda c, b: [*c, *b], contracted, batch)), strict=True):
        kept = [i for i in range(len(shape)) if i not in gone]
        found += [np.full((shape[i], step.width), np.nan) if side is None else side[i] for i in kept]
    return found


def _parts(step: Step) -> Axes:
    at, sizes = step.eqn.params["axis"], step.eqn.params["sizes"]
    start = sum(sizes[: step.number])
    return [axis[start : start + sizes[step.number]] if i == at else axis for i, axis in enumerate(step.first)]


RULES = {
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "transpose": lambda step: [step.first[i] for i in step.eqn.params["permutation"]],
    "squeeze": lambda step: _dropped(step, "dimensions"),
    "rev": lambda step: [a[::-1] if i in step.eqn.params["dimensions"] else a for i, a in enumerate(step.first)],
    "concatenate": _concatenate,
    "slice": _slice,
    "split": _parts,
    "pad": _pad,
    "dot_general": _product,
    "conv_general_dilated": _convolution,
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min", "reduce_prod"), lambda step: _dropped(step, "axes")),
    **dict.fromkeys(("reduce_window_max", "reduce_window_sum", "reduce_window_min"), _windows),
}
"""Operations that move positions in a known way; other functions of single numbers keep them, all others lose them."""
