"""Occlusion: how much the score drops when a window is covered."""

import math
from dataclasses import dataclass
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
        adapter, xp, cover = score.adapter, score.adapter.xp, baseline_of(value, score, x, "value")
        windows = _Windows.of(x, adapter.channel_axis, size, stride)
        score.pace.progress.announce(score.n)
        whole_score, total = score.values(x), 0.0
        for run in score.batches(windows.count):
            inside = math.prod(adapter.asarray(rows) for rows in windows.inside(run))  # (windows, 1, *input), 0 or 1
            covered = xp.where(inside > 0, cover, x)  # (windows, N, *input)
            scores = score.repeat(len(run)).values(xp.reshape(covered, (-1, *x.shape[1:])))
            drops = whole_score - xp.reshape(scores, (len(run), score.n))
            each = xp.concatenate([drops[:, i][None] for i in range(score.n)])  # (N, windows)
            total = total + xp.reshape(each @ xp.reshape(inside, (len(run), -1)), (score.n, *inside.shape[2:]))
        for covers in windows.counts() if average else ():
            total = total / adapter.asarray(covers)
        return total * xp.ones_like(x)


@dataclass(frozen=True)
class _Windows:
    """The windows' places: every combination of one start on each spatial axis.

    Args:
        shape: of the inputs, (N, *input).
        axes: the spatial ones.
        sizes: of a window, on each of them.
        starts: of the windows, on each of them.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    sizes: list[int]
    starts: list[npt.NDArray[np.int64]]

    @classmethod
    def of(cls, x: Array, channel_axis: int | None, size: Any, stride: Any) -> "_Windows":
        """Read a user's size and stride.

        Raises:
            InputError: if one of them does not fit.
        """
        shape = tuple(int(length) for length in x.shape)
        axes = spatial_axes(channel_axis, len(shape))
        lengths = tuple(shape[axis] for axis in axes)
        sizes, strides = _each("size", size, len(axes)), _each("stride", stride, len(axes))
        for length, wide, step in zip(lengths, sizes, strides, strict=True):
            if wide > length:
                channels = "without a channel axis" if channel_axis is None else f"its channels are on axis {channel_axis}"
                raise InputError(f"`size` (={size!r}) must not exceed the input's spatial axes {lengths}; {channels}")
            if step > wide and wide < length:
                raise InputError(f"`stride` (={stride!r}) must not exceed `size` (={size!r}): no window would cover the rest")
        ends = [length - wide for length, wide in zip(lengths, sizes, strict=True)]
        starts = [np.append(np.arange(0, end, step), end) for end, step in zip(ends, strides, strict=True)]
        return cls(shape, axes, sizes, starts)

    @property
    def count(self) -> int:
        return math.prod(len(starts) for starts in self.starts)

    def counts(self) -> list[npt.NDArray[np.float64]]:
        """Return, for each spatial axis, how many windows cover each position, (1, *input), long on that axis alone."""
        found = []
        for axis, wide, starts in zip(self.axes, self.sizes, self.starts, strict=True):
            steps = np.zeros(self.shape[axis] + 1)  # +1 where windows begin, -1 behind their ends
            np.add.at(steps, starts, 1)
            np.add.at(steps, starts + wide, -1)
            found.append(np.cumsum(steps)[:-1].reshape([-1 if i == axis else 1 for i in range(len(self.shape))]))
        return found

    def inside(self, run: range) -> list[npt.NDArray[np.bool_]]:
        """Return, for each spatial axis, where some of the windows cover it: (windows, 1, *input), long on that axis alone."""
        places = np.unravel_index(np.arange(run.start, run.stop), [len(starts) for starts in self.starts])
        found = []
        for axis, wide, starts, place in zip(self.axes, self.sizes, self.starts, places, strict=True):
            offsets = np.arange(self.shape[axis]) - starts[place][:, None]  # (windows, length)
            rows = (offsets >= 0) & (offsets < wide)
            found.append(rows.reshape((len(run), *(length if i == axis else 1 for i, length in enumerate(self.shape)))))
        return found


def _each(name: str, value: Any, axes: int) -> list[int]:
    """Return an option as one whole number for each axis."""
    several = isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1
    values = list(value) if several else [value] * axes
    if len(values) != axes:
        raise InputError(f"`{name}` (={value!r}) must be one number, or one for each of the {axes} spatial axes")
    return [whole(name, one, least=1) for one in values]
