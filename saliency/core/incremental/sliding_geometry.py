"""The kernel size, stride, padding and dilation of an operator that slides over a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SlidingGeometry:
    """How a convolution or pooling slides over the rows and columns of a map.

    Args:
        kernel, stride, padding, dilation: as of a convolution, one number for each of the two axes.
        ceil_mode: also compute a last output that reads beyond the map, an option of pooling.
        padding_after: the padding behind the map; None if it equals ``padding``, the one in front of it.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False
    padding_after: tuple[int, ...] | None = None

    @property
    def kernel_extent(self) -> tuple[int, ...]:
        """Return the rows and columns that the dilated kernel covers."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def output_size(self, input_size: Sequence[int]) -> tuple[int, ...]:
        """Return the rows and columns of the output for those of an input."""
        sizes = []
        padded = zip(self.padding, self.padding_after or self.padding, strict=True)
        for length, extent, stride, (padding, after) in zip(input_size, self.kernel_extent, self.stride, padded, strict=True):
            free = length + padding + after - extent
            size = (free + (stride - 1 if self.ceil_mode else 0)) // stride + 1
            in_padding = self.ceil_mode and (size - 1) * stride >= length + padding  # the last output would read padding only
            sizes.append(size - in_padding)
        return tuple(sizes)
