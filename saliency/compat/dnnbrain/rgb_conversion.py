"""Convert images to the 8-bit RGB format of networks' inputs."""

from typing import Any

import numpy as np
from PIL import Image

from saliency.compat.dnnbrain.base import ip
from saliency.core.errors import InputError


def to_rgb(image: Any) -> Image.Image:
    """Convert an image to RGB.

    Grayscale images are repeated for each channel, 16-bit images scaled to 8 bits, transparent pixels blended with white.

    Args:
        image: a PIL image, or an 8-bit array or tensor, (3, H, W) or (H, W).

    Raises:
        InputError: if ``image`` is none of these, or has 32-bit pixels, for which the value of white is undefined.
    """
    if not isinstance(image, Image.Image) and (pixels := ip.to_array(image)).dtype != np.uint8:
        raise InputError(f"`image` ({pixels.dtype}) must be 8-bit: a PIL image, or uint8 (3, H, W)")
    picture = ip.to_pil(image)
    if picture.mode in ("F", "I"):
        raise InputError(f"`image` (mode {picture.mode}) must have 8 or 16 bits; ip.to_pil(image, True) scales it")
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) / 257.0).round().astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")
