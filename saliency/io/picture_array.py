"""Convert pictures in memory, arrays or PIL images, to 8-bit RGB."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.io.deep_pixels import DeepPixels
from saliency.io.picture_conversion import convert_to_rgb
from saliency.io.picture_options import DEFAULT_OPTIONS, PictureError, PictureOptions

MAX_CHANNELS = 4


def picture_to_rgb(name: str, picture: Any, options: PictureOptions) -> tuple[Image.Image, list[str]]:
    """Convert a picture in memory to RGB.

    Args:
        name: the name of the picture, for error messages.
        picture: a PIL image of any mode; or an array or tensor (H, W), (H, W, channels) or (channels, H, W), whose channels
            are gray, gray and alpha, RGB or RGBA.
        options: how to convert it; ``frame`` and ``max_pixels`` have no effect.

    Returns:
        The picture (mode RGB) and a note for each conversion, as from ``read_picture``.

    Raises:
        PictureError: if the picture is damaged or not a picture, or its pixels cannot be converted to RGB unambiguously.
    """
    if not isinstance(picture, Image.Image):
        return _array_to_rgb(name, picture, options)
    try:
        return convert_to_rgb(name, picture, options)
    except (PictureError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything
        raise PictureError("DAMAGED", name, f"cannot be decoded: {error}") from error


def _array_to_rgb(name: str, picture: Any, options: PictureOptions) -> tuple[Image.Image, list[str]]:
    pixels = _channels_last(name, _numbers(name, picture))
    scaling: list[str] = []
    if pixels.dtype == bool:
        pixels = pixels * np.uint8(255)
    if pixels.dtype != np.uint8:
        what = "gray" if pixels.shape[-1] <= 2 else "colors"
        is_16_bits = pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2
        deep = DeepPixels.of_16_bits(pixels, f"16-bit {what}") if is_16_bits else DeepPixels(pixels, str(pixels.dtype))
        pixels, scaling = deep.to_8_bits(name, options)
        options = DEFAULT_OPTIONS
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    rgb, notes = convert_to_rgb(name, image, options)
    return rgb, [*scaling, *notes]


def _numbers(name: str, picture: Any) -> npt.NDArray[Any]:
    """Return an array, a tensor or nested lists as an array of numbers."""
    if np.ma.is_masked(picture):
        raise PictureError("NOT_AN_IMAGE", name, "has masked values; fill them first")
    try:
        pixels = np.asarray(picture)
    except Exception as error:  # a tensor on a GPU, or of bfloat16, and ragged lists
        raise PictureError("NOT_AN_IMAGE", name, f"({type(picture).__name__}) cannot be read as an array: {error}") from error
    if pixels.dtype.kind not in "buif" or not pixels.size or pixels.ndim not in (2, 3):
        problem = f"({type(picture).__name__}, shape {pixels.shape}, {pixels.dtype}) must be a PIL image"
        raise PictureError("NOT_AN_IMAGE", name, f"{problem}, or real numbers (H, W), (H, W, channels) or (channels, H, W)")
    return pixels


def _channels_last(name: str, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return pixels as (H, W, channels)."""
    if pixels.ndim == 2:
        return pixels[..., None]
    first, last = pixels.shape[0] <= MAX_CHANNELS, pixels.shape[2] <= MAX_CHANNELS
    if first == last:
        problem = f"(shape {pixels.shape}) must have 1 to {MAX_CHANNELS} channels on either its first or its last axis"
        raise PictureError("NOT_AN_IMAGE", name, f"{problem}, and more pixels on the other; pass it as a PIL image")
    moved: npt.NDArray[Any] = np.moveaxis(pixels, 0, -1) if first else pixels
    return moved
