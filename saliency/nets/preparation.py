"""Resize pictures to the input size of a network and normalize their pixels."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.core.display.picture_colors import remember_normalization
from saliency.core.errors import InputError, one_line
from saliency.core.validation import shown
from saliency.io.picture_array import picture_to_rgb
from saliency.io.picture_options import PictureError, PictureOptions

Float32 = npt.NDArray[np.float32]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's RGB channels, on a scale from 0 to 1; most networks are trained with them."""


def read_rgb(picture: Any, float_range: tuple[float, float] | None) -> Image.Image:
    """Convert a picture to RGB; see ``Network.prepare``.

    Raises:
        InputError: if it cannot be converted unambiguously, or ``float_range`` is invalid or does not apply to it.
    """
    if float_range is not None:
        black, white = _check_range(float_range)
        float_range = black, white
    try:
        options = PictureOptions(float_range=float_range, refuse_dark=True, range_option="`float_range`")
        rgb, notes = picture_to_rgb("picture", picture, options)
    except PictureError as error:
        raise InputError(f"`picture` {error.problem}") from error
    unused = [note for note in notes if "not applied" in note]
    if unused:
        raise InputError(f"`float_range` (={float_range}) must be None for a picture of 8-bit pixels")
    return rgb


def _check_range(float_range: Any) -> tuple[float, float]:
    """Return the values of black and white.

    Raises:
        InputError: if they are not two finite numbers, or black is not less than white.
    """
    try:
        black, white = map(float, float_range)
    except Exception:  # of a tensor, whatever its framework raises
        black = white = np.nan
    if not (np.isfinite([black, white]).all() and black < white):
        raise InputError(f"`float_range` (={shown(float_range)}) must be two finite numbers, black less than white")
    return black, white


def resize_whole(picture: Image.Image, size: tuple[int, int], resample: Image.Resampling) -> Image.Image:
    """Resize the whole picture to (height, width) without keeping its proportions."""
    return picture.resize(size[::-1], resample)


def resize_and_crop(picture: Image.Image, size: tuple[int, int], shorter: int, resample: Image.Resampling) -> Image.Image:
    """Resize a picture and crop its center.

    The pixels are exactly those of torchvision's ``Resize`` and ``CenterCrop``, including their rounding.

    Args:
        picture: a picture of any size.
        size: (height, width) of the crop; positions outside of the resized picture are black.
        shorter: length of the shorter side after resizing, in pixels.
        resample: Pillow's filter for resizing.
    """
    width, height = picture.size
    shorter_before = min(width, height)
    width, height = int(shorter * width / shorter_before), int(shorter * height / shorter_before)
    picture = picture.resize((width, height), resample)
    rows, columns = size
    if rows > height or columns > width:
        padded = Image.new(picture.mode, (max(width, columns), max(height, rows)))
        padded.paste(picture, (max(columns - width, 0) // 2, max(rows - height, 0) // 2))
        picture, (width, height) = padded, padded.size
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    return picture.crop((left, top, left + columns, top + rows))


def normalize(picture: Image.Image, mean: Sequence[float], std: Sequence[float]) -> Float32:
    """Return (pixel / 255 - mean) / std as an array (height, width, 3)."""
    remember_normalization(mean, std)  # figures undo it
    pixels: Float32 = np.array(picture, np.float32)
    pixels /= np.float32(255)
    pixels -= np.asarray(mean, np.float32)
    pixels /= np.asarray(std, np.float32)
    return pixels


def resize_and_apply(
    picture: Image.Image, size: tuple[int, int], function: Callable[[Float32], npt.ArrayLike], channel_axis: int = -1
) -> Float32:
    """Resize the whole picture and apply a function to its pixels.

    Args:
        picture: an RGB picture.
        size: (height, width) of the input in pixels.
        function: from pixels (height, width, 3), 0 to 255, to an input with channels last.
        channel_axis: axis to which the channels of the result are moved.
    """
    pixels = np.array(resize_whole(picture, size, Image.Resampling.BILINEAR), np.float32)
    return np.moveaxis(np.asarray(function(pixels), np.float32), -1, channel_axis)


def apply_transform(picture: Any, transform: Callable[[Any], Any], name: str = "test_transform", axes: int = 3) -> Float32:
    """Apply a user's transform to a picture and check the result.

    Args:
        picture: an RGB picture, or a list of them.
        transform: function from it to an input.
        name: name of the transform in error messages.
        axes: number of axes of an input: 3, or 4 for a clip.

    Raises:
        InputError: if the transform fails, or does not return a finite array with this number of axes.
    """
    kind, shape = ("picture", "three axes, such as (3, height, width)") if axes == 3 else ("clip", "four axes")
    rule = f"`{name}` must turn a {kind} into finite numbers of {shape}"
    try:
        converted = np.asarray(transform(picture), np.float32)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the user's code raises
        raise InputError(f"{rule}; it raises {one_line(error)}") from error
    if converted.ndim != axes:
        raise InputError(f"{rule}; it returned an array of shape {converted.shape}")
    if not np.isfinite(converted).all():
        raise InputError(f"{rule}; it returned NaN or infinite values")
    return converted
