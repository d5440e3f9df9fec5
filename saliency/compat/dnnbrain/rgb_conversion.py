"""Convert images to the 8-bit RGB format of networks' inputs."""

from typing import Any

import numpy as np
from PIL import Image

from saliency.compat.dnnbrain.base import ip
from saliency.core.errors import InputError
from saliency.io.picture_conversion import convert_to_rgb
from saliency.io.picture_options import PictureError, PictureOptions


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
    try:
        options = PictureOptions(refuse_dark=True, range_option="ip.to_pil(image, True), which scales it")
        return convert_to_rgb("image", picture, options)[0]
    except PictureError as error:
        raise InputError(f"`image` {error.problem}") from error
