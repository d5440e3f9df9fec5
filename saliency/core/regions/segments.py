"""Segments of an image that may overlap, as rows of one boolean matrix."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.regions.felzenszwalb import Labels, felzenszwalb_labels, import_skimage
from saliency.core.validation import host_numbers, shown

Segments = npt.NDArray[np.bool_]
"""(segments, H * W)."""

DILATION = 5
"""Radius in pixels by which Felzenszwalb's segments are dilated, so that they include the edges around them."""


def make_segments(regions: Any, image: npt.NDArray[Any], name: str = "regions") -> Segments:
    """Return the segments of an image.

    Args:
        regions: ``"felzenszwalb"``: dilated segments at six scales; labels (H, W), whole numbers of 0 or more, one for each
            segment; several of them, (labelings, H, W); boolean masks (segments, H, W); or a callable that returns one of
            these for an image.
        image: (H, W) or (H, W, C).
        name: the name of the option in an error.

    Raises:
        InputError: if it is none of these, or its shape is not the image's.
        ModelError: if scikit-image is needed and not installed.
    """
    size = image.shape[:2]
    if isinstance(regions, str) and regions == "felzenszwalb":
        return np.concatenate([dilate(labels, DILATION) for labels in felzenszwalb_labels(image)])
    if isinstance(regions, str) or regions is None:
        raise InputError(f'`{name}` (={shown(regions)}) must be "felzenszwalb", an array of labels or masks, or a callable')
    array = host_numbers(regions(image) if callable(regions) else regions, name, None)
    if array.ndim not in (2, 3) or array.shape[-2:] != size or array.size == 0:
        raise InputError(f"`{name}` (shape {array.shape}) must have the image's rows and columns {size}, or (n, *{size})")
    if array.dtype == bool:
        return _masks(array.reshape(-1, size[0] * size[1]), name)
    return np.concatenate([label_masks(one, name) for one in array.reshape(-1, *size)])


def label_masks(labels: npt.NDArray[Any], name: str = "regions") -> Segments:
    """Return the pixels of each label in ascending order.

    Raises:
        InputError: if the labels are not whole numbers of 0 or more.
    """
    if labels.dtype.kind not in "iuf" or not np.isfinite(labels).all() or (labels != np.floor(labels)).any():
        raise InputError(f"`{name}` (array of {labels.dtype}) must hold whole numbers, the label of each pixel")
    if labels.min() < 0:
        raise InputError(f"`{name}` (smallest label {int(labels.min())}) must hold labels of 0 or more")
    masks: Segments = np.unique(labels)[:, None] == labels.ravel()
    return masks


def dilate(labels: Labels, radius: int) -> Segments:
    """Return the pixels of each label in ascending order, and those at most ``radius`` pixels away from them.

    Each segment is dilated in its bounding box alone.
    """
    measure, morphology = import_skimage("measure"), import_skimage("morphology")
    found = measure.regionprops(labels - labels.min() + 1)
    masks = np.zeros((len(found), *labels.shape), bool)
    for mask, region in zip(masks, found, strict=True):
        padded = morphology.isotropic_dilation(np.pad(region.image, radius), radius)
        top, left, bottom, right = region.bbox
        rows, columns = _inside(top, bottom, radius, labels.shape[0]), _inside(left, right, radius, labels.shape[1])
        mask[rows[0], columns[0]] = padded[rows[1], columns[1]]
    return masks.reshape(len(found), -1)


def _inside(start: int, stop: int, radius: int, length: int) -> tuple[slice, slice]:
    """Return where a padded interval lies in an axis, and which part of it is there."""
    first, last = max(start - radius, 0), min(stop + radius, length)
    return slice(first, last), slice(first - start + radius, last - start + radius)


def _masks(masks: Segments, name: str) -> Segments:
    """Return the masks that hold at least one pixel."""
    kept: Segments = masks[masks.any(axis=1)]
    if not len(kept):
        raise InputError(f"`{name}` (boolean masks) must hold at least one pixel")
    return kept
