"""Encode thumbnails of images and maps as text."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image, features

from saliency.core.display.color_scale import SIGNED_COLORS, STRENGTH_COLORS, ColorScale

IMAGE_FORMAT = "webp" if features.check("webp") else "jpeg"
QUALITY = 80
Size = tuple[int, int]


def thumbnail_size(picture: Image.Image, side: int) -> Size:
    """Return the (width, height) of a thumbnail whose longer side is given."""
    longer = max(picture.size)
    return max(1, round(picture.width * side / longer)), max(1, round(picture.height * side / longer))


def encode_picture(picture: Image.Image, size: Size) -> str:
    """Return the thumbnail of an image, as base64 text."""
    return _encode(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))


def encode_map(mask: npt.NDArray[Any], signed: bool, size: Size) -> str | None:
    """Return the thumbnail of a map, as base64 text; None if the map is not finite.

    Args:
        mask: (3, H, W) or (H, W).
        signed: whether to draw the sign.
        size: (width, height) of the stimulus's thumbnail, over which the map is drawn.
    """
    if not np.isfinite(mask).all():
        return None
    values = mask if signed else np.abs(mask)
    small = _resized(values.reshape(-1, *mask.shape[-2:]).sum(axis=0), size)
    return _encode(Image.fromarray(np.ascontiguousarray(ColorScale.of([small], signed).colors(small))))


def gradient_stops(signed: bool, n: int = 17) -> str:
    """Return n colors of a scale, from its lower to its upper end, as color stops of a CSS gradient."""
    colors = colormaps[SIGNED_COLORS if signed else STRENGTH_COLORS](np.linspace(0, 1, n), bytes=True)
    return ", ".join(f"rgb({r} {g} {b})" for r, g, b, _ in colors)


def _resized(values: npt.NDArray[Any], size: Size) -> npt.NDArray[Any]:
    """Resize a map to a thumbnail. The values are scaled first, because the smallest ones are 0 in single precision."""
    peak = float(np.abs(values).max())
    image = Image.fromarray(np.asarray(values / peak if peak > 0 else values, np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _encode(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, IMAGE_FORMAT, quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
