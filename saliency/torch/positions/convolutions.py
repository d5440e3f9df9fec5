"""The positions of the result of a convolution, a pooling or a resampling."""

import re
from collections.abc import Sequence
from typing import Any

import torch

from saliency.torch.positions.intervals import resample, strip, unite, varying_dims
from saliency.torch.positions.state import Positions


def lay_grid(
    name: str, args: Sequence[Any], first: Positions, before: tuple[int, ...], after: tuple[int, ...]
) -> Positions | None:
    """Return the positions after a convolution, a pooling or a resampling: a grid over the same part of the input."""
    digits = re.search(r"([123])d", name)
    if "conv" in name and len(args) > 1 and isinstance(args[1], torch.Tensor):
        count = args[1].ndim - 2
    else:
        count = int(digits[1]) if digits else len(before) - 2
    if len(before) != len(after) or count < 1 or len(before) <= count:
        return None
    channel, lead = len(before) - count - 1, range(len(before) - count)
    axes: list[torch.Tensor | None] = []
    for one in first.axes:
        united = None if one is None else unite(one, [channel])
        if united is None:
            axes.append(None)
            continue
        varying = varying_dims(united)
        moving = [dim for dim in varying if dim not in lead]
        if all(before[dim] == after[dim] for dim in moving) and not (len(varying) == 1 and _has_gaps(united, moving)):
            shape = [united.shape[dim] if dim in varying else 1 for dim in range(len(before))]
            small = united[tuple(slice(0, length) for length in shape)]
            axes.append(small.expand(after))
            continue
        if len(varying) != 1:
            return None
        line = strip(united).amax([dim for dim in range(united.ndim) if dim != moving[0]])
        resampled = resample(line, after[moving[0]])
        if resampled is None:
            return None
        view = [1] * len(after)
        view[moving[0]] = -1
        axes.append(resampled.view(view).expand(after) if bool(resampled.any()) else None)
    one_by_one = "conv" in name and len(args) > 1 and all(length == 1 for length in args[1].shape[2:])
    return Positions(tuple(axes), attended=first.attended and one_by_one)


def _has_gaps(intervals: torch.Tensor, moving: list[int]) -> bool:
    return bool(moving) and not bool(strip(intervals).all())
