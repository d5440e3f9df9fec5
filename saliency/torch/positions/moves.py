"""The positions of the result of an operator that moves entries."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from saliency.torch.positions.intervals import reshape, strip, varying_dims
from saliency.torch.positions.state import Positions

Lookup: TypeAlias = Callable[[Any], Positions | None]
"""A function from a value to its positions, None if it has none."""

RESHAPES = {"view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy"}


def pad(intervals: torch.Tensor, widths: Sequence[int], shape: tuple[int, ...]) -> torch.Tensor:
    """Pad intervals by entries without a position; ``widths`` start at the last dimension.

    Dimensions on which nothing changes are not padded. The rows of an image are still rows beside its last column.
    """
    small, varying = strip(intervals), varying_dims(intervals)
    for dim in range(small.ndim):
        small = small if dim in varying else small.narrow(dim, 0, 1)
    padded: list[int] = []
    for i in range(0, len(widths), 2):
        moves = small.shape[-1 - i // 2] > 1  # a length of 1 is broadcast
        padded += [widths[i], widths[i + 1]] if moves else [0, 0]
    return torch.nn.functional.pad(small, padded).expand(shape)


def move(func: Any, name: str, args: Sequence[Any], kwargs: Any, result: Any, of: Lookup) -> Any:
    """Move the intervals by the operator itself."""
    sources = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
    known = [one for one in map(of, sources) if one is not None]
    if not known:
        return None
    several = isinstance(result, list | tuple)
    columns: list[Any] = []  # intervals, or a list of them for several results, for each axis
    for axis in range(len(known[0].axes)):
        if all(one.axes[axis] is None for one in known):
            columns.append([None] * len(result) if several else None)
            continue

        def moved(arg: Any, axis: int = axis) -> Any:
            if isinstance(arg, list | tuple):
                return type(arg)(moved(one, axis) for one in arg)
            if not isinstance(arg, torch.Tensor):
                return arg
            positions = of(arg)
            one = None if positions is None else positions.axes[axis]
            if one is not None:
                return one
            if arg.is_floating_point():
                return torch.zeros((1,) * arg.ndim, dtype=torch.float64).expand(arg.shape)
            return arg.cpu()

        if name in RESHAPES:
            columns.append(reshape(moved(args[0]), tuple(result.shape)))
        elif name in ("roll", "flip"):
            columns.append(func(strip(moved(args[0])), *args[1:], **kwargs).expand(tuple(result.shape)))
        elif name == "cat":
            dim = args[1] if len(args) > 1 else kwargs.get("dim", 0)
            columns.append(_concatenate([moved(one) for one in args[0]], dim).expand(tuple(result.shape)))
        else:
            columns.append(func(*(moved(arg) for arg in args), **kwargs))
    first = known[0]
    whole = replace(
        first,
        axes=(),
        in_pairs=any(one.in_pairs for one in known),
        projections=tuple({module: None for one in known for module in one.projections}),
    )
    if not several:
        return replace(whole, axes=tuple(columns))
    return [replace(whole, axes=axes) for axes in zip(*columns, strict=True)]


def _concatenate(parts: list[torch.Tensor], dim: int) -> torch.Tensor:
    """Concatenate intervals, with length 1 on dimensions on which nothing changes."""
    parts = [one for one in parts if one.numel()]
    dim %= parts[0].ndim
    for other in range(parts[0].ndim):
        if other != dim and all(one.shape[other] == 1 or one.stride(other) == 0 for one in parts):
            parts = [one.narrow(other, 0, 1) for one in parts]
    if all(one.shape[dim] == 1 or one.stride(dim) == 0 for one in parts):
        heads = [one.narrow(dim, 0, 1) for one in parts]
        if all(head.shape == heads[0].shape and torch.equal(heads[0], head) for head in heads[1:]):
            return heads[0]
    return torch.cat(parts, dim)
