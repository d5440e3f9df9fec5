"""The colors of pictures and of a model's inputs, from 0 to 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError

HostArray = npt.NDArray[Any]
COLORS = 3
TOLERANCES = {2: 0.2, 4: 0.05, 8: 0.05}
"""Bytes of a number -> the deviation from a gray level that rounding may cause; chance would cause 0.5 somewhere."""

LARGEST = 1e4  # magnitude of a normalized pixel
BRIGHTEST = 128  # at least, of the pixels of a picture: smaller whole numbers may be counts


@dataclass(frozen=True)
class Normalization:
    """How 8-bit pixels became an input: ``(pixel / 255 - mean) / std``.

    Args:
        mean, std: mean and standard deviation of the channels, in the order of the input.
        reverse: whether the channels of the input are BGR.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool = False

    def undo(self, x: HostArray) -> HostArray | None:
        """Return the colors (H, W, 3) of an input (H, W, 3); None unless each of its values is an 8-bit pixel's."""
        if max(abs(float(x.min())), abs(float(x.max()))) > LARGEST:
            return None
        levels = 255 * (x.astype(float) * np.array(self.std) + np.array(self.mean))
        whole = np.rint(levels)
        if not BRIGHTEST <= whole.max() <= 255 or whole.min() < 0:
            return None
        if np.abs(levels - whole).max() > TOLERANCES.get(x.dtype.itemsize, 0.05):
            return None
        colors: HostArray = whole[..., ::-1] if self.reverse else whole
        return colors / 255.0


_COMMON = [
    Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet, RGB
    Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    Normalization((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),  # CLIP
    Normalization((103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255, 1 / 255, 1 / 255), reverse=True),  # Caffe
    Normalization((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),  # pixels as they are, in floating point
]
_used: dict[Normalization, None] = {}
MAX_USED = 32


def remember_normalization(mean: Sequence[float], std: Sequence[float]) -> None:
    """Keep a normalization, to recognize the inputs that it made; the oldest of many are forgotten."""
    _used.setdefault(Normalization(tuple(map(float, mean)), tuple(map(float, std))))
    while len(_used) > MAX_USED:
        _used.pop(next(iter(_used)), None)


def picture_colors(picture: HostArray) -> HostArray:
    """Return the colors of an image or of an input, from 0 to 1.

    The normalization of an input is undone exactly where its values prove which one it was: those of an 8-bit picture are
    whole gray levels again. Otherwise each channel is scaled from its minimum to its maximum, unless all lie within 0..1.

    Args:
        picture: (H, W), or (H, W, channels); uint8, or any other numbers.
    """
    if picture.dtype == np.uint8:
        return picture / 255.0
    if picture.ndim < 3 or picture.shape[-1] != COLORS:
        return _stretched(picture, None)
    for one in (*_used, *_COMMON):
        colors = one.undo(picture)
        if colors is not None:
            return colors
    if picture.min() >= 0 and picture.max() <= 1:
        return picture.astype(float)
    return _stretched(picture, (0, 1))


def _stretched(picture: HostArray, axes: tuple[int, ...] | None) -> HostArray:
    """Scale an image from its minimum to its maximum over some axes; zeros where both are equal."""
    scaled = picture / max(1.0, float(np.abs(picture).max()))  # the range of huge numbers is infinite
    low, high = scaled.min(axes, keepdims=True), scaled.max(axes, keepdims=True)
    return np.asarray((scaled - low) / np.where(high > low, high - low, 1.0), np.float64)


def check_aspect(picture: HostArray, shape: tuple[int, ...]) -> None:
    """Check that a map can be laid over a picture.

    Args:
        picture: (H, W) or (H, W, 3).
        shape: height and width of the input or the map.

    Raises:
        InputError: if their proportions differ by more than a pixel.
    """
    (height, width), (rows, columns) = picture.shape[:2], shape
    if abs(height * columns - width * rows) > max(height, width, rows, columns):
        raise InputError(
            f"`image` ({height} x {width}) must have the proportions of the input ({rows} x {columns}): crop it as the "
            "network does, or leave `image` out, which draws the input"
        )
