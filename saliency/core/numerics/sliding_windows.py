"""The positions of Occlusion's sliding windows, and what they cover."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.numerics.resampling import apply_in_blocks, spatial_axes, transpose_matrix
from saliency.core.types import Array
from saliency.core.validation import shown, whole_number


@dataclass(frozen=True)
class SlidingWindows:
    """A grid of windows over inputs: every combination of one start on each spatial axis.

    Args:
        shape: shape of the inputs, (N, *input).
        axes: the spatial axes.
        sizes: length of a window on each spatial axis.
        starts: first positions of the windows on each spatial axis.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    sizes: list[int]
    starts: list[npt.NDArray[np.int64]]

    @classmethod
    def of(cls, x: Array, channel_axis: int | None, size: Any, stride: Any) -> "SlidingWindows":
        """Return the windows for a user's size and stride.

        Raises:
            InputError: if one of them does not fit the inputs.
        """
        shape = tuple(int(length) for length in x.shape)
        axes = spatial_axes(channel_axis, len(shape))
        lengths = tuple(shape[axis] for axis in axes)
        sizes, strides = _one_per_axis("size", size, len(axes)), _one_per_axis("stride", stride, len(axes))
        for length, width, step in zip(lengths, sizes, strides, strict=True):
            if width > length:
                channels = "without a channel axis" if channel_axis is None else f"its channels are on axis {channel_axis}"
                raise InputError(f"`size` (={shown(size)}) must not exceed the input's spatial axes {lengths}; {channels}")
            if step > width and width < length:
                raise InputError(
                    f"`stride` (={shown(stride)}) must not exceed `size` (={shown(size)}): a larger stride leaves gaps"
                )
        ends = [length - width for length, width in zip(lengths, sizes, strict=True)]
        starts = [np.append(np.arange(0, end, step), end) for end, step in zip(ends, strides, strict=True)]
        return cls(shape, axes, sizes, starts)

    @property
    def count(self) -> int:
        """The number of windows."""
        return math.prod(len(starts) for starts in self.starts)

    @property
    def middle_index(self) -> int:
        """The index of a window in the middle of the input."""
        return int(np.ravel_multi_index([len(starts) // 2 for starts in self.starts], [len(starts) for starts in self.starts]))

    def corners(self, chunk: range) -> npt.NDArray[np.int64]:
        """Return the first position of some of the windows on each spatial axis, (windows, axes)."""
        return np.stack([starts[i] for starts, i in zip(self.starts, self._start_indices(chunk), strict=True)], axis=1)

    def slices(self, corner: npt.NDArray[np.int64]) -> tuple[slice, ...]:
        """Return the slices of the inputs (N, *input) that the window at ``corner`` covers."""
        slices = [slice(None)] * len(self.shape)
        for axis, width, start in zip(self.axes, self.sizes, corner, strict=True):
            slices[axis] = slice(int(start), int(start) + width)
        return tuple(slices)

    def occlude(self, adapter: Any, x: Array, cover: Array, chunk: range) -> Array:
        """Return the inputs (N, *input) with each of some windows filled from ``cover``, (windows, N, *input)."""
        inside = math.prod(adapter.asarray(rows) for rows in self.coverage(chunk))  # (windows, 1, *input), 0 or 1
        return adapter.xp.where(inside > 0, cover, x)

    def sum_per_position(self, adapter: Any, values: Array) -> Array:
        """Sum, at each position, the values of the windows that cover it.

        Args:
            adapter: the adapter of the values.
            values: (windows, N), one for each window and input.

        Returns:
            (N, *input), with length 1 on the axes that are not spatial.
        """
        n, xp = int(values.shape[1]), adapter.xp
        per_input = transpose_matrix(xp, values) if n > 1 else values
        total = xp.reshape(per_input, (n, *(len(starts) for starts in self.starts)))
        for axis in reversed(range(len(self.axes))):  # the last axis first, while the array is small
            matrix = partial(self._coverage_matrix, axis)
            total = apply_in_blocks(adapter, matrix, self.shape[self.axes[axis]], total, axis + 1)
        return xp.reshape(total, (n, *(self.shape[i] if i in self.axes else 1 for i in range(1, len(self.shape)))))

    def coverage_counts(self) -> list[npt.NDArray[np.float64]]:
        """Return, for each spatial axis, the number of windows that cover each position; length 1 on all other axes."""
        counts = []
        for axis, width, starts in zip(self.axes, self.sizes, self.starts, strict=True):
            steps = np.zeros(self.shape[axis] + 1)  # +1 where a window starts, -1 behind its end
            np.add.at(steps, starts, 1)
            np.add.at(steps, starts + width, -1)
            counts.append(np.cumsum(steps)[:-1].reshape([-1 if i == axis else 1 for i in range(len(self.shape))]))
        return counts

    def coverage(self, chunk: range) -> list[npt.NDArray[np.bool_]]:
        """Return, for each spatial axis, which positions some of the windows cover.

        Each array has the shape (windows, 1, *input), with length 1 on all other axes.
        """
        covered = []
        for axis, width, starts, indices in zip(self.axes, self.sizes, self.starts, self._start_indices(chunk), strict=True):
            offsets = np.arange(self.shape[axis]) - starts[indices][:, None]  # (windows, length)
            rows = (offsets >= 0) & (offsets < width)
            covered.append(rows.reshape((len(chunk), *(length if i == axis else 1 for i, length in enumerate(self.shape)))))
        return covered

    def _coverage_matrix(self, axis: int, rows: range) -> npt.NDArray[np.float64]:
        """Return 1 where the window at a start covers a position of one spatial axis, else 0: (positions, starts)."""
        offsets = np.arange(rows.start, rows.stop)[:, None] - self.starts[axis]
        return ((offsets >= 0) & (offsets < self.sizes[axis])).astype(float)

    def _start_indices(self, chunk: range) -> tuple[npt.NDArray[np.intp], ...]:
        """Return, for each spatial axis, the index into ``starts`` of some of the windows."""
        return np.unravel_index(np.arange(chunk.start, chunk.stop), [len(starts) for starts in self.starts])


def _one_per_axis(name: str, value: Any, axes: int) -> list[int]:
    """Return an option as one whole number for each spatial axis."""
    several = isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1
    values = list(value) if several else [value] * axes
    if len(values) != axes:
        raise InputError(f"`{name}` (={shown(value)}) must be one number, or one for each of the {axes} spatial axes")
    return [whole_number(name, one, least=1) for one in values]
