"""Options for reading pictures, and the error for pictures that cannot be read."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


class PictureError(ValueError):
    """A picture that cannot be read, or whose pixels cannot be converted unambiguously.

    Args:
        code: the reason as one word, such as ``MISSING`` or ``DAMAGED``.
        path: the file, or a name for a picture in memory.
        problem: what is wrong with the picture.
    """

    def __init__(self, code: str, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.code, self.problem = code, problem


@dataclass(frozen=True)
class PictureOptions:
    """Options for reading a picture.

    Args:
        frame: index of the frame to read from a picture with several, from 0.
        apply_exif: whether to turn the picture as its EXIF orientation says.
        float_range: stored values that become black and white in a gray picture of more than 8 bits; None reads the pictures
            whose format defines both values, and refuses others.
        max_pixels: largest number of pixels that is read; None for Pillow's limit, 89 million, or less for formats whose
            decoder needs much memory: 32 million for WebP, 46 million for AVIF, and at least 46 million for progressive JPEG.
        refuse_dark: whether to refuse 16-bit pixels of at most 16383, which may be unscaled values of a 12-bit sensor;
            otherwise, a note reports them. ``float_range`` accepts them.
        needed_size: (height, width) to which the picture is resized afterwards. A picture of more than 33 million pixels may
            then be reduced while it is read, to at least four times this size; None keeps the size of all pictures.
        range_option: how the reader of an error message specifies ``float_range``.
    """

    frame: int = 0
    apply_exif: bool = True
    float_range: tuple[float, float] | None = None
    max_pixels: int | None = None
    refuse_dark: bool = False
    range_option: str = "-float-range"
    needed_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Check the options that a decoder would refuse later, with an error of its own."""
        _check_number("frame", self.frame, 0)
        if self.max_pixels is not None:
            _check_number("max_pixels", self.max_pixels, 1)
        if self.float_range is not None and not _is_range(self.float_range):
            kind = type(self.float_range).__name__
            raise ValueError(f"`float_range` ({kind}) must be two finite numbers, black less than white, or None")
        if not isinstance(self.range_option, str):
            raise ValueError(f"`range_option` ({type(self.range_option).__name__}) must be a text")


def _check_number(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**63:
        raise ValueError(f"`{name}` ({type(value).__name__}) must be a whole number, {least} or more")


def _is_range(values: Any) -> bool:
    try:
        black, white = map(float, values)
    except Exception:  # of a tensor, whatever its framework raises
        return False
    return math.isfinite(black) and math.isfinite(white) and black < white


DEFAULT_OPTIONS = PictureOptions()
