"""Pictures of which only some pixels are known; the others are interpolated between them."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]


def interpolate_picture(picture: Picture, known: npt.NDArray[np.bool_]) -> Picture:
    """Return a picture whose unknown pixels are interpolated linearly between the known ones and the corners.

    All channels share one Delaunay triangulation of the known pixels.

    Args:
        picture: (H, W, channels).
        known: (H, W).

    Source:
        Kapishnikov et al., XRAI: Better Attributions Through Regions, arXiv:1906.02825, section 3.3.
    """
    from scipy.interpolate import LinearNDInterpolator

    known = known.copy()
    known[np.ix_([0, -1], [0, -1])] = True
    if known.all():
        return picture
    filled = picture.astype(np.float64)
    values = LinearNDInterpolator(np.argwhere(known), filled[known])(np.argwhere(~known))
    means = picture.mean(axis=(0, 1))
    filled[~known] = np.where(np.isnan(values), means, values)  # rounding can leave a pixel at the border outside
    return np.round(filled).astype(np.uint8)


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
