"""From a picture to pixels of the size that a network takes, and from pixels to its numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.errors import InputError, one_line

Float32 = npt.NDArray[np.float32]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, on a scale of 0 to 1; most networks are trained with them."""


def squashed(picture: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """Resize the whole picture to (height, width), whatever becomes of its proportions."""
    return picture.resize(size[::-1], resample)


def centred(picture: Image.Image, size: tuple[int, int], shorter: int, resample: Image.Resampling) -> Image.Image:
    """Resize a picture and cut out its centre.

    The pixels are those of torchvision's ``Resize`` and ``CenterCrop``, with their roundings.

    Args:
        picture: of any size.
        size: (height, width) of the centre; what lies outside of the picture is black.
        shorter: pixels of its shorter side after resizing.
        resample: how pixels are resized.
    """
    width, height = picture.size
    least = min(width, height)
    width, height = int(shorter * width / least), int(shorter * height / least)
    picture = picture.resize((width, height), resample)
    rows, columns = size
    if rows > height or columns > width:
        whole = Image.new(picture.mode, (max(width, columns), max(height, rows)))
        whole.paste(picture, (max(columns - width, 0) // 2, max(rows - height, 0) // 2))
        picture, (width, height) = whole, whole.size
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    return picture.crop((left, top, left + columns, top + rows))


def scaled(picture: Image.Image, mean: Sequence[float], std: Sequence[float]) -> Float32:
    """Return (pixel / 255 - mean) / std, (height, width, 3)."""
    pixels: Float32 = np.array(picture, np.float32)
    pixels /= np.float32(255)
    pixels -= np.asarray(mean, np.float32)
    pixels /= np.asarray(std, np.float32)
    return pixels


def by_function(
    picture: Image.Image, size: tuple[int, int], function: Callable[[Float32], npt.ArrayLike], channel_axis: int = -1
) -> Float32:
    """Squash a picture, and give its pixels, 0 to 255 and (height, width, 3), to a function that scales them."""
    pixels = np.array(squashed(picture, size, Image.Resampling.BILINEAR), np.float32)
    return np.moveaxis(np.asarray(function(pixels), np.float32), -1, channel_axis)


def by_transform(picture: Image.Image, transform: Callable[[Image.Image], Any], name: str = "test_transform") -> Float32:
    """Return what a network's own transform makes of a picture.

    Args:
        picture: as RGB.
        transform: from a picture to numbers.
        name: of the attribute that it is.

    Raises:
        InputError: if it fails, or gives no array of three axes, or one that is not finite.
    """
    rule = f"`{name}` must turn a picture into finite numbers of three axes, such as (3, height, width)"
    try:
        found = np.asarray(transform(picture), np.float32)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the user's code raises
        raise InputError(f"{rule}; it raises {one_line(error)}") from error
    if found.ndim != 3:
        raise InputError(f"{rule}; it gave {found.shape}")
    if not np.isfinite(found).all():
        raise InputError(f"{rule}; it gave NaN or infinite values")
    return found
