"""Where Occlusion's windows stand, and what they cover."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.numerics.resampling import in_parts, spatial_axes, transpose_last
from saliency.core.types import Array
from saliency.core.validation import whole_number


@dataclass(frozen=True)
class Windows:
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
    def of(cls, x: Array, channel_axis: int | None, size: Any, stride: Any) -> "Windows":
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
        """How many there are."""
        return math.prod(len(starts) for starts in self.starts)

    @property
    def middle(self) -> int:
        """One that stands in the middle."""
        return int(np.ravel_multi_index([len(starts) // 2 for starts in self.starts], [len(starts) for starts in self.starts]))

    def corners(self, run: range) -> npt.NDArray[np.int64]:
        """Return where some of the windows begin on each spatial axis, (windows, axes)."""
        return np.stack([starts[place] for starts, place in zip(self.starts, self._places(run), strict=True)], axis=1)

    def place(self, corner: npt.NDArray[np.int64]) -> tuple[slice, ...]:
        """Return where in the inputs (N, *input) a window stands."""
        place = [slice(None)] * len(self.shape)
        for axis, wide, start in zip(self.axes, self.sizes, corner, strict=True):
            place[axis] = slice(int(start), int(start) + wide)
        return tuple(place)

    def cover(self, adapter: Any, x: Array, cover: Array, run: range) -> Array:
        """Cover the inputs (N, *input) by each of some windows, (windows, N, *input)."""
        inside = math.prod(adapter.asarray(rows) for rows in self.inside(run))  # (windows, 1, *input), 0 or 1
        return adapter.xp.where(inside > 0, cover, x)

    def add_up(self, adapter: Any, numbers: Array) -> Array:
        """Return the sum of what belongs to the windows that cover a position.

        Args:
            adapter: of the numbers.
            numbers: (windows, N), one for each window and input.

        Returns:
            (N, *input), long on the spatial axes alone.
        """
        n, xp = int(numbers.shape[1]), adapter.xp
        each = transpose_last(xp, numbers) if n > 1 else numbers
        total = xp.reshape(each, (n, *(len(starts) for starts in self.starts)))
        for axis in reversed(range(len(self.axes))):  # as it grows
            total = in_parts(adapter, partial(self._covering, axis), self.shape[self.axes[axis]], total, axis + 1)
        return xp.reshape(total, (n, *(self.shape[i] if i in self.axes else 1 for i in range(1, len(self.shape)))))

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
        found = []
        for axis, wide, starts, place in zip(self.axes, self.sizes, self.starts, self._places(run), strict=True):
            offsets = np.arange(self.shape[axis]) - starts[place][:, None]  # (windows, length)
            rows = (offsets >= 0) & (offsets < wide)
            found.append(rows.reshape((len(run), *(length if i == axis else 1 for i, length in enumerate(self.shape)))))
        return found

    def _covering(self, axis: int, rows: range) -> npt.NDArray[np.float64]:
        """Return 1 where the windows that begin at each start cover some positions of a spatial axis, (positions, starts)."""
        offsets = np.arange(rows.start, rows.stop)[:, None] - self.starts[axis]
        return ((offsets >= 0) & (offsets < self.sizes[axis])).astype(float)

    def _places(self, run: range) -> tuple[npt.NDArray[np.intp], ...]:
        """Return which of the starts on each axis belongs to some of the windows."""
        return np.unravel_index(np.arange(run.start, run.stop), [len(starts) for starts in self.starts])


def _each(name: str, value: Any, axes: int) -> list[int]:
    """Return an option as one whole number for each axis."""
    several = isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1
    values = list(value) if several else [value] * axes
    if len(values) != axes:
        raise InputError(f"`{name}` (={value!r}) must be one number, or one for each of the {axes} spatial axes")
    return [whole_number(name, one, least=1) for one in values]
