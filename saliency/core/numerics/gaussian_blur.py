"""Gaussian blurs with zeros beyond the borders, and their derivative with respect to the standard deviation."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.numerics.resampling import apply_in_blocks
from saliency.core.types import Array

Floats = npt.NDArray[np.float64]

EXACT_RADIUS = 9.0
"""Radius of an exact kernel in standard deviations; the weight beyond is below the precision of float64."""

SCIPY_RADIUS = 4.0
"""Radius of the truncated kernel of ``scipy.ndimage.gaussian_filter`` in standard deviations."""


NO_BLUR = 0.025
"""The largest standard deviation whose kernel is a single weight of 1 in float64."""


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
        x = _convolve(adapter, x, axis, _kernel(sigma, radius, int(x.shape[axis]))[0])
    return x


def blur_and_derivative(adapter: Any, x: Array, axes: Sequence[int], sigma: float) -> tuple[Array, Array]:
    """Return ``blur`` and its exact derivative with respect to ``sigma``, in units of the input per position."""
    derivative: Array = None
    for axis in axes if sigma > NO_BLUR else ():
        weights, slopes = _kernel(sigma, EXACT_RADIUS, int(x.shape[axis]))
        own = _convolve(adapter, x, axis, slopes)
        derivative = own if derivative is None else _convolve(adapter, derivative, axis, weights) + own
        x = _convolve(adapter, x, axis, weights)
    return x, 0.0 * x if derivative is None else derivative


def _kernel(sigma: float, radius: float, length: int) -> tuple[Floats, Floats]:
    """Return the weights at distances 0, 1, ... from the center, and their derivatives with respect to ``sigma``.

    The weights at all distances, in both directions, sum to 1. Those at ``length`` positions and more are left out.
    """
    last = int(radius * sigma + 0.5)
    distances = np.arange(max(last + 1, length), dtype=np.float64)
    weights = np.exp(-0.5 * (distances / sigma) ** 2) * (distances <= last)
    weights /= 2 * weights.sum() - weights[0]
    variance = 2 * float(weights @ distances**2)  # of the sampled kernel: sigma**2 if sigma is not small
    slopes = weights * (distances**2 - variance) / sigma**3
    return weights[:length], slopes[:length]


def _convolve(adapter: Any, x: Array, axis: int, kernel: Floats) -> Array:
    """Convolve one axis with a symmetric kernel, given by its values at distances 0, 1, ..."""
    size = int(x.shape[axis])
    return apply_in_blocks(adapter, partial(_toeplitz_rows, kernel), size, x, axis)


def _toeplitz_rows(kernel: Floats, rows: range) -> Floats:
    """Return rows of the symmetric matrix whose entries depend on their distance from the diagonal."""
    matrix: Floats = kernel[np.abs(np.arange(rows.start, rows.stop)[:, None] - np.arange(len(kernel)))]
    return matrix
