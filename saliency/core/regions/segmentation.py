"""Divide a picture into a grid or superpixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.regions.felzenszwalb import Labels, import_skimage

Picture = npt.NDArray[np.float64]


def grid_labels(space: tuple[int, ...], cells: int | None) -> Labels:
    """Return the index of the cell of each position, (*space), if every spatial axis is divided into even parts.

    Args:
        space: lengths of the spatial axes.
        cells: number of parts of an axis, at most its length; None makes each position a cell of its own.
    """
    counts = [length if cells is None else min(cells, length) for length in space]
    parts = [np.arange(length) * count // length for length, count in zip(space, counts, strict=True)]
    return np.asarray(np.ravel_multi_index(np.meshgrid(*parts, indexing="ij"), counts), np.int64)


def slic_labels(picture: Picture, n_regions: int) -> Labels:
    """Return about ``n_regions`` superpixels of a picture (*space, channels), 0 to 1, with two or three axes of space.

    Source:
        Achanta et al., SLIC Superpixels Compared to State-of-the-art Superpixel Methods, IEEE TPAMI 34 (2012).
    """
    segment = import_skimage("segmentation").slic
    compactness = 10.0 if picture.shape[-1] == 3 else 0.1  # colors are compared in Lab, whose range is 100
    found = segment(picture, n_segments=n_regions, compactness=compactness, channel_axis=-1, start_label=0)
    return np.asarray(found, np.int64)


def unit_range(picture: npt.NDArray[Any]) -> Picture:
    """Return a picture with its smallest value at 0 and its largest at 1; a constant picture becomes 0."""
    low, high = float(picture.min()), float(picture.max())
    return (np.asarray(picture, np.float64) - low) / ((high - low) or 1.0)
