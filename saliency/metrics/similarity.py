"""Similarity of two maps: rank correlation and structural similarity."""

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError, ModelError

SSIM_SIGMA = 1.5
"""Standard deviation of the window of the structural similarity, in pixels; the window has 11 x 11 pixels."""


def rank_correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return Spearman's correlation of two arrays of one shape, with average ranks for ties; NaN if one is constant."""
    return linear_correlation(_average_ranks(one.ravel()), _average_ranks(other.ravel()))


def structural_similarity(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return the SSIM of two maps (H, W), each scaled to a maximum magnitude of 1; NaN if one is zero everywhere.

    Source:
        Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE TIP 13(4), 2004: Gaussian
        windows of 11 x 11 pixels, computed by scikit-image.

    Raises:
        InputError: if the maps are smaller than a window.
        ModelError: if scikit-image is not installed.
    """
    try:
        from skimage.metrics import structural_similarity as ssim
    except ImportError as error:
        raise ModelError("the structural similarity needs scikit-image: pip install scikit-image") from error
    if one.ndim != 2 or min(one.shape) < 11:
        raise InputError(f"`masks` (shape {one.shape}) must be maps of at least 11 x 11 pixels for the structural similarity")
    scales = [np.abs(values).max() for values in (one, other)]
    if not all(scales):
        return float("nan")
    scaled = [values / scale for values, scale in zip((one, other), scales, strict=True)]
    return float(
        ssim(
            *scaled,  # type: ignore[no-untyped-call]
            data_range=2.0,
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
        )
    )


def _average_ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the ranks of values, from 0; equal values share their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts + 1) / 2)[places])


def linear_correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return Pearson's correlation of two arrays of one shape; NaN if one is constant up to rounding."""
    centered = [values.ravel() - values.mean() for values in (one, other)]
    norms = [np.sqrt(values @ values) for values in centered]
    limits = [1e-12 * np.sqrt(values.size) * np.abs(values).max() for values in (one, other)]
    if any(norm <= limit for norm, limit in zip(norms, limits, strict=True)):
        return float("nan")
    return float(centered[0] @ centered[1] / (norms[0] * norms[1]))
