"""Scale pixels of more than 8 bits to 8 bits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.io.picture_options import PictureError, PictureOptions

MAX_16_BITS = 65535
MAX_14_BITS = 16383
"""Sensors of 10, 12 or 14 bits store their values in 16 bits, often unscaled."""


@dataclass(frozen=True, eq=False)
class DeepPixels:
    """Pixels of more than 8 bits, or with a sign, and the format's definition of white.

    Args:
        values: stored values, of any shape.
        kind: description of the values, such as "mode F" or "16-bit gray".
        white: stored value of white that the format defines; None if it defines none. Black is 0.
        is_limit: whether ``white`` is only the largest value of the data type.
        inverted: whether the smallest value is white and the largest one black.
    """

    values: npt.NDArray[Any]
    kind: str
    white: float | None = None
    is_limit: bool = False
    inverted: bool = False

    @classmethod
    def of_16_bits(cls, values: npt.NDArray[Any], kind: str = "16-bit gray", inverted: bool = False) -> "DeepPixels":
        """Return the pixels of unsigned 16-bit values."""
        return cls(values, kind, MAX_16_BITS, is_limit=True, inverted=inverted)

    def to_8_bits(self, path: Path | str, options: PictureOptions) -> tuple[npt.NDArray[np.uint8], list[str]]:
        """Return uint8 pixels, 255 for white, and notes on the conversion.

        Args:
            path: the file or name of the picture, for error messages.
            options: a ``float_range`` replaces the format's definition.

        Raises:
            PictureError: if pixels are not finite, or black and white are neither defined nor specified.
        """
        self.check_finite(path)
        black, white = self.black_and_white(path, options)
        return self.scale(black, white), self.notes(path, options, int(self.values.max()) if self.is_limit else 0)

    def check_finite(self, path: Path | str) -> None:
        """Check that no value is NaN or infinite.

        Raises:
            PictureError: if one is.
        """
        if not np.isfinite(self.values).all():
            raise PictureError("NONFINITE", path, "has pixels that are NaN or infinite")

    def black_and_white(self, path: Path | str, options: PictureOptions) -> tuple[float, float]:
        """Return the stored values of black and white.

        Raises:
            PictureError: if they are neither defined nor specified.
        """
        return options.float_range or (0.0, self._defined_white(path, options))

    def scale(self, black: float, white: float) -> npt.NDArray[np.uint8]:
        """Return uint8 pixels, 255 for white."""
        unit = ((self.values.astype(np.float64) - black) / (white - black)).clip(0, 1)
        return (255 * (1 - unit if self.inverted else unit)).round().astype(np.uint8)

    def notes(self, path: Path | str, options: PictureOptions, largest: int) -> list[str]:
        """Return notes on the conversion.

        Args:
            path: the file or name of the picture, for error messages.
            options: how the picture is converted.
            largest: the largest value of the picture; it matters only with ``is_limit``.

        Raises:
            PictureError: if the values may have fewer bits, and the options refuse that.
        """
        if options.float_range is None and self.is_limit:
            remedy = f"give the values of black and white with {options.range_option}"
            notes = [f"{self.kind} scaled to 8 bits", *dark_notes(path, largest, options.refuse_dark, remedy)]
        else:
            black, white = self.black_and_white(path, options)
            notes = [f"{self.kind} scaled from {black:g} to {white:g}"]
        return [*notes, "white-is-zero inverted"] if self.inverted else notes

    def _defined_white(self, path: Path | str, options: PictureOptions) -> float:
        if self.white is None:
            code = "FLOAT_IMAGE" if self.values.dtype.kind == "f" else "DEEP_IMAGE"
            problem = f"has pixels of {self.kind}, whose values for black and white are unknown"
            raise PictureError(code, path, f"{problem}; give them with {options.range_option}")
        return self.white


def dark_notes(path: Path | str, largest: int, refuse: bool, remedy: str) -> list[str]:
    """Return a note for 16-bit pixels that may be unscaled values of fewer bits, or none.

    Args:
        path: the file or name of the picture, for error messages.
        largest: the largest value. Zero needs no note, because black pixels are the same in any scale.
        refuse: whether to raise an error instead of returning a note.
        remedy: what the user can do.

    Raises:
        PictureError: if there is such a note, and ``refuse`` is set.
    """
    if not 0 < largest <= MAX_14_BITS:
        return []
    if refuse:
        problem = f"has 16-bit pixels of at most {largest}, which are dark or have fewer bits"
        raise PictureError("DEEP_IMAGE", path, f"{problem}; {remedy}")
    return [f"16-bit pixels of at most {MAX_14_BITS}, which are dark or have fewer bits; {remedy}"]
