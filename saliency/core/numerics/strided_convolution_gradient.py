"""When the input gradient of a strided convolution is faster as one convolution for all phases of the stride."""

from collections.abc import Sequence

MAX_CHANNELS = 4
"""Input channels at most: with so few, the frameworks' own gradient kernels are slower on a CPU, by a factor of 2 to 6."""

MIN_KERNEL_SIZE = 16
"""Weights of a kernel at least: smaller kernels save less time than splitting and joining the phases takes."""


def phase_gradient_is_faster(channels: int, kernel: Sequence[int], stride: Sequence[int]) -> bool:
    """Return whether to compute the input gradient of a convolution by phases of its stride.

    Args:
        channels: number of input channels.
        kernel: height and width of the kernel.
        stride: vertical and horizontal stride.
    """
    return channels <= MAX_CHANNELS and kernel[0] * kernel[1] >= MIN_KERNEL_SIZE and min(stride) > 1
