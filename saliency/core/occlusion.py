"""Occlusion: how much the score drops when a window is covered."""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.adapter import Array
from saliency.core.baseline import baseline_of
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.numbers import whole
from saliency.core.score import Score
from saliency.core.spatial import spatial_axes


@final
class Occlusion(SaliencyMask):
    """The drop of the score when a window of the input is covered, added to every pixel of the window.

    The mask has the input's shape, all channels alike, in score units; it takes no gradients. Every row and column is
    covered: where the stride does not end at the border, the last window stands at the border.

    Options:
        size: of the window in pixels, a number or one for each spatial axis.
        value: what covers it: a number, an array that broadcasts to the input's shape, ``"blur"``, ``"mean"`` (of each
            channel), ``"min"`` or ``"max"``; in the input's units.
        stride: from window to window in pixels, a number or one for each spatial axis.
        average: divide by the number of windows that covered the pixel.

    Source:
        Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901.
    """

    differentiates = False

    def masks(self, score: Score, x: Array, size: Any = 15, value: Any = 0.0, stride: Any = 1, average: bool = False) -> Array:
        """Return the sum, or the mean, over windows of score(x) - score(x with the window covered)."""
        cover, axes = baseline_of(value, score, x, "value"), spatial_axes(score.adapter.channel_axis, len(x.shape))
        windows = _windows([int(x.shape[axis]) for axis in axes], size, stride)
        whole_score, total, count = score.values(x), 0.0, 0.0
        for run in score.batches(math.prod(len(one) for one in windows)):
            inside = _inside(score, windows, run, axes, len(x.shape))  # (windows, 1, *input), 0 or 1
            covered = score.adapter.xp.where(inside > 0, cover, x)  # (windows, N, *input)
            scores = score.repeat(len(run)).values(covered.reshape((-1, *x.shape[1:])))
            drops = whole_score - scores.reshape((len(run), score.n))
            drops = drops.reshape((*drops.shape, *[1] * (len(x.shape) - 1)))
            total = total + score.adapter.xp.sum(drops * inside, axis=0)
            count = count + score.adapter.xp.sum(inside, axis=0)
        return (total / count if average else total) * score.adapter.xp.ones_like(x)


def _windows(lengths: Sequence[int], size: Any, stride: Any) -> list[npt.NDArray[np.float64]]:
    """Return, for each spatial axis, (windows, length): 1 where a window covers the axis.

    Raises:
        InputError: if a size or a stride does not fit.
    """
    found = []
    for length, wide, step in zip(lengths, _each("size", size, lengths), _each("stride", stride, lengths), strict=True):
        if wide > length:
            raise InputError(f"`size` (={size!r}) must not exceed the input's spatial axes {tuple(lengths)}")
        starts = np.unique([*range(0, length - wide + 1, step), length - wide])
        distances = np.arange(length) - starts[:, None]
        found.append(((distances >= 0) & (distances < wide)).astype(float))
    return found


def _each(name: str, value: Any, axes: Sequence[int]) -> list[int]:
    """Return an option as one whole number for each axis."""
    values = list(value) if isinstance(value, list | tuple) else [value] * len(axes)
    if len(values) != len(axes):
        raise InputError(f"`{name}` (={value!r}) must be one number, or one for each of the {len(axes)} spatial axes")
    return [whole(name, one, least=1) for one in values]


def _inside(score: Score, windows: list[npt.NDArray[np.float64]], run: range, axes: tuple[int, ...], ndim: int) -> Array:
    places = np.unravel_index(np.arange(run.start, run.stop), [len(one) for one in windows])
    inside: Array = 1.0
    for rows, place, axis in zip(windows, places, axes, strict=True):
        shape = [-1, *(1 for _ in range(ndim))]  # (windows, N, *input)
        shape[axis + 1] = rows.shape[1]
        inside = inside * score.adapter.asarray(rows[place]).reshape(shape)
    return inside
