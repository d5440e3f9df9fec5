"""Felzenszwalb's segmentation of an image, by scikit-image."""

import warnings
from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import ModelError

Labels = npt.NDArray[np.int64]

SCALES = (50, 100, 150, 250, 500, 1200)
"""Scales of XRAI, from small segments to large ones."""

SIGMA = 0.8
"""Standard deviation of the blur before the segmentation, in pixels."""

MIN_SIZE = 150
"""Smallest number of pixels of a segment."""

WORKING_SIZE = (224, 224)
"""The size to which an image is resized first, because the scales are in units of pixels."""


def felzenszwalb_labels(image: npt.NDArray[Any], scales: Sequence[float] = SCALES) -> list[Labels]:
    """Segment an image at several scales.

    The result does not depend on the value range of the image: it is scaled to -1 to 1, because the algorithm compares
    differences of values with the scale.

    Args:
        image: (H, W) or (H, W, C), any unit.
        scales: the scale of each segmentation; a larger one gives larger segments.

    Returns:
        For each scale, the segment of each pixel, (H, W), from 0.

    Raises:
        ModelError: if scikit-image is not installed.

    Source:
        Felzenszwalb & Huttenlocher, Efficient Graph-Based Image Segmentation, IJCV 59(2), 2004.
    """
    segmentation, transform = import_skimage("segmentation"), import_skimage("transform")
    size, image = image.shape[:2], _scale_to_unit_range(image)
    if size != WORKING_SIZE:
        image = transform.resize(image, WORKING_SIZE, order=3, mode="constant", preserve_range=True, anti_aliasing=True)
    axis = -1 if image.ndim == 3 else None
    segment = partial(segmentation.felzenszwalb, image, sigma=SIGMA, min_size=MIN_SIZE, channel_axis=axis)
    with warnings.catch_warnings():  # about images of more than three channels, which are intended here
        warnings.filterwarnings("ignore", "Got image with third dimension", RuntimeWarning)
        found = [segment(scale=scale) for scale in scales]
    if size != WORKING_SIZE:
        resize = partial(transform.resize, output_shape=size, order=0, mode="constant", preserve_range=True)
        found = [resize(labels, anti_aliasing=False) for labels in found]
    return [labels.astype(np.int64) for labels in found]


def import_skimage(name: str) -> ModuleType:
    """Import a part of scikit-image.

    Raises:
        ModelError: if it is not installed.
    """
    try:
        import skimage.measure
        import skimage.morphology
        import skimage.segmentation
        import skimage.transform
    except ImportError as error:
        raise ModelError("regions need scikit-image: pip install 'saliency-masks[regions]'") from error
    module: ModuleType = getattr(skimage, name)
    return module


def _scale_to_unit_range(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Scale an image to -1 to 1; a constant image becomes zeros."""
    low, high = float(image.min()), float(image.max())
    image = image.astype(np.float64)
    if low == high:
        return np.zeros_like(image)
    scaled: npt.NDArray[np.float64] = (image - low) / (high - low) * 2.0 - 1.0
    return scaled
