"""Small pictures as text: a stimulus, and its maps in the colours of a scale."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image, features

from saliency.core.display.visualization import VisualizeImageDiverging, VisualizeImageGrayscale

SCALES = {True: "coolwarm", False: "inferno"}
"""Whether a map is signed -> the colour map of its scale."""

KIND = "webp" if features.check("webp") else "jpeg"
QUALITY = 80
Size = tuple[int, int]


def within(picture: Image.Image, side: int) -> Size:
    """Return the (width, height) of a picture's thumbnail, of which the longer side is given."""
    longer = max(picture.size)
    return max(1, round(picture.width * side / longer)), max(1, round(picture.height * side / longer))


def picture_text(picture: Image.Image, size: Size) -> str:
    """Return a picture's thumbnail as text."""
    return _text(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))


def map_text(mask: npt.NDArray[Any], signed: bool, size: Size) -> str | None:
    """Return a map's thumbnail as text; None for one that is not finite.

    Args:
        mask: (3, H, W) or (H, W).
        signed: whether its sign is drawn.
        size: (width, height) of its stimulus's thumbnail, over which it lies.
    """
    if not np.isfinite(mask).all():
        return None
    values = mask if signed else np.abs(mask)
    small = _resized(values.reshape(-1, *mask.shape[-2:]).sum(axis=0), size)
    shade = (VisualizeImageDiverging(small) + 1) / 2 if signed else VisualizeImageGrayscale(small)
    colours = colormaps[SCALES[signed]](shade, bytes=True)[..., :3]
    return _text(Image.fromarray(np.ascontiguousarray(colours)))


def stops(signed: bool, n: int = 17) -> str:
    """Return the colours of a scale from its lower end to its upper, as a gradient in CSS has them."""
    return ", ".join(f"rgb({r} {g} {b})" for r, g, b, _ in colormaps[SCALES[signed]](np.linspace(0, 1, n), bytes=True))


def _resized(values: npt.NDArray[Any], size: Size) -> npt.NDArray[Any]:
    """Return the means over the pixels of a thumbnail; scaled first, for the least of numbers are 0 in single precision."""
    peak = float(np.abs(values).max())
    image = Image.fromarray(np.asarray(values / peak if peak > 0 else values, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _text(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, KIND, quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
