"""Where a strided convolution of few channels is worth another way to its gradient."""

from collections.abc import Sequence

MOST_CHANNELS = 4
"""Of the picture, at most: where few come in, the frameworks' kernels are slow on a processor, by a factor of 2 to 6."""

LEAST_KERNEL_SIZE = 16
"""Weights of a kernel at least: what is saved on smaller ones is lost on cutting and joining."""


def is_faster_by_phases(channels: int, kernel: Sequence[int], stride: Sequence[int]) -> bool:
    """Tell whether a convolution is differentiated faster as one of its phases.

    Args:
        channels: that come in.
        kernel: its height and width.
        stride: down and across.
    """
    return channels <= MOST_CHANNELS and kernel[0] * kernel[1] >= LEAST_KERNEL_SIZE and min(stride) > 1
