"""Gaussian blurs with zeros beyond the borders, and their derivative with respect to the standard deviation."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.resampling import MAX_MATRIX_ENTRIES, apply_along_axis, apply_in_blocks, apply_to_last_axis
from saliency.core.types import Array

Floats = npt.NDArray[np.float64]

EXACT_RADIUS = 9.0
"""Radius of an exact kernel in standard deviations; the weight beyond is below the precision of float64."""

SCIPY_RADIUS = 4.0
"""Radius of the truncated kernel of ``scipy.ndimage.gaussian_filter`` in standard deviations."""


NO_BLUR = 0.025
"""The largest standard deviation whose kernel is a single weight of 1 in float64."""

MAX_SUMMED = 1000.0
"""The largest standard deviation, in positions, of a kernel whose weights are all computed, to sum them up."""


def blur(adapter: Any, x: Array, axes: Sequence[int], sigma: float, radius: float = EXACT_RADIUS) -> Array:
    """Blur arrays along axes; the numbers beyond the borders are zeros.

    Args:
        adapter: the adapter of the arrays.
        x: (N, *input).
        axes: the axes of ``x`` to blur.
        sigma: standard deviation in positions, 0 or more.
        radius: radius of the kernel in standard deviations.
    """
    for axis in axes if sigma > NO_BLUR else ():
        x = _convolution(adapter, _kernel(sigma, radius, int(x.shape[axis]))[0])(x, axis)
    return x


def blur_and_derivative(adapter: Any, x: Array, axes: Sequence[int], sigma: float) -> tuple[Array, Array]:
    """Return ``blur`` and its exact derivative with respect to ``sigma``, in units of the input per position."""
    derivative: Array = None
    convolutions = {}
    for axis in axes if sigma > NO_BLUR else ():
        length = int(x.shape[axis])
        if length not in convolutions:
            convolutions[length] = [_convolution(adapter, one) for one in _kernel(sigma, EXACT_RADIUS, length)]
        blur_axis, differentiate = convolutions[length]
        own = differentiate(x, axis)
        derivative = own if derivative is None else blur_axis(derivative, axis) + own
        x = blur_axis(x, axis)
    return x, 0.0 * x if derivative is None else derivative


def _kernel(sigma: float, radius: float, length: int) -> tuple[Floats, Floats]:
    """Return the weights at distances 0, 1, ... from the center, and their derivatives with respect to ``sigma``.

    The weights at all distances, in both directions, sum to 1. Those at ``length`` positions and more are left out. The
    derivatives are those of an exact kernel.
    """
    last, wide = float(np.floor(radius * sigma + 0.5)), sigma > MAX_SUMMED
    squares = (np.arange(length if wide else max(int(last) + 1, length)) / sigma) ** 2
    weights = np.exp(-0.5 * squares)
    weights[int(min(last, len(weights))) + 1 :] = 0.0
    weights /= _sum_of_wide_kernel(sigma, last) if wide else 2 * weights.sum() - weights[0]
    variance = 1.0 if wide else 2 * float(weights @ squares)  # of the sampled kernel, in units of sigma**2
    return weights[:length], (weights * (squares - variance) / sigma)[:length]


def _sum_of_wide_kernel(sigma: float, last: float) -> float:
    """Return the sum of exp(-k**2 / (2 * sigma**2)) for whole k from -last to last, by the Euler-Maclaurin formula."""
    end = (last + 0.5) / sigma
    return sigma * math.sqrt(2 * math.pi) * math.erf(end / math.sqrt(2)) + end / sigma * math.exp(-0.5 * end**2) / 12


def _convolution(adapter: Any, kernel: Floats) -> Callable[[Array, int], Array]:
    """Return a function that convolves an axis with a symmetric kernel, given by its values at distances 0, 1, ...

    A matrix that fits is moved to the device only once.
    """
    if len(kernel) ** 2 > MAX_MATRIX_ENTRIES:
        return partial(apply_in_blocks, adapter, partial(_toeplitz_rows, kernel), len(kernel))
    return partial(_apply_symmetric, adapter.xp, adapter.asarray(_toeplitz_rows(kernel, range(len(kernel)))))


def _apply_symmetric(xp: Any, matrix: Array, x: Array, axis: int) -> Array:
    if axis == len(x.shape) - 1:
        return apply_to_last_axis(xp, matrix, x)
    return apply_along_axis(xp, matrix, x, axis)


def _toeplitz_rows(kernel: Floats, rows: range) -> Floats:
    """Return rows of the symmetric matrix whose entries depend on their distance from the diagonal."""
    matrix: Floats = kernel[np.abs(np.arange(rows.start, rows.stop)[:, None] - np.arange(len(kernel)))]
    return matrix
