"""Pictures of which only some pixels are known; the others are interpolated between them."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.metrics.triangles import pixels_in_triangles

Picture = npt.NDArray[Any]
"""(H, W, channels), uint8 or floats."""


def interpolate_picture(picture: Picture, known: npt.NDArray[np.bool_]) -> Picture:
    """Return a picture whose unknown pixels are interpolated linearly between the known ones and the corners.

    All channels share one Delaunay triangulation of the known pixels. Each triangle is filled row by row: this needs neither a
    search for the triangle of a pixel nor a linear system for its weights.

    Args:
        picture: (H, W, channels).
        known: (H, W).

    Source:
        Kapishnikov et al., XRAI: Better Attributions Through Regions, arXiv:1906.02825, section 3.3.
    """
    from scipy.spatial import Delaunay

    known = _with_corners(known)
    if known.all():
        return picture
    points = np.argwhere(known)
    found = pixels_in_triangles(points, Delaunay(points).simplices)
    sharp = picture[known].astype(np.float64)
    filled = np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape).copy()
    filled[found.rows, found.columns] = np.einsum("pkc,pk->pc", sharp[found.corners], found.weights) / found.totals[:, None]
    filled[known] = sharp
    return (np.round(filled) if picture.dtype.kind in "ui" else filled).astype(picture.dtype)


def fill_with_nearest(picture: Picture, known: npt.NDArray[np.bool_]) -> Picture:
    """Return a picture whose unknown pixels are those of the nearest known pixel or corner; see ``interpolate_picture``."""
    from scipy.interpolate import NearestNDInterpolator

    known = _with_corners(known)
    filled = picture.copy()
    if not known.all():
        filled[~known] = NearestNDInterpolator(np.argwhere(known), picture[known])(np.argwhere(~known))
    return filled


def _with_corners(known: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    known = known.copy()
    known[np.ix_([0, -1], [0, -1])] = True
    return known


def compressed_size(picture: Picture) -> int:
    """Return the size in bytes of a picture (H, W, channels) as lossless WebP, an estimate of its information."""
    buffer = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(buffer, "WEBP", lossless=True, quality=100)
    return len(buffer.getvalue())


def revealed(values: npt.NDArray[np.float64], fraction: float, always: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the positions of a map with the highest values, and those that are always known.

    Args:
        values: (H, W).
        fraction: of the positions; all that share the lowest of these values are among them.
        always: (H, W).
    """
    return np.asarray((values >= np.quantile(values, 1 - fraction)) | always)
