"""Read from an open picture how its file stores the samples, before Pillow decodes them and discards it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from saliency.io.deep_pixels import MAX_16_BITS, DeepPixels

ORIENTATION = 0x0112
KEPT = "_saliency_stored_samples"  # attribute of a picture
SIDEWAYS = range(5, 9)  # orientations that exchange height and width
BITS, PHOTOMETRIC, PLANES, COLOR_MAP, SAMPLE_FORMAT = 258, 262, 284, 320, 339  # tags of TIFF
WHITE_IS_ZERO, SEPARATE_PLANES, SIGNED, UNSIGNED = 0, 2, 2, 1  # their values
GRAY_LEVELS = {"L;2": 3, "L;4": 15}  # Pillow's name of packed gray samples -> largest stored value
SWAPPED = {"F;32BF": "F;32NF", "I;16BS": "I;16NS", "I;32BS": "I;32NS"}
"""Byte orders that Pillow assumes for compressed TIFFs -> those that its decoder delivers."""


@dataclass(frozen=True)
class StoredSamples:
    """How a file stores the samples of a picture.

    Args:
        deep_colors: whether colors of 16 bits are decoded as their upper 8 bits.
        white: stored value of white that the file states, of a gray or color picture; None if it states none.
        dtype: data type of the stored values if it differs from that of Pillow's mode, "int8" or "uint32".
        inverted: whether zero is white, and Pillow does not invert the values.
        gray_levels: largest stored value of packed gray samples, which Pillow scales to 8 bits.
        orientation: EXIF orientation that Pillow applies when it decodes a TIFF.
        rescaled: whether Pillow has scaled the values of a PGM to 16 bits, and its maximum is lost.
        problem: why Pillow decodes other values than the stored ones; None if it does not.
    """

    deep_colors: bool = False
    white: int | None = None
    dtype: str | None = None
    inverted: bool = False
    gray_levels: int = 255
    orientation: int = 1
    rescaled: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, image: Image.Image) -> "StoredSamples":
        """Return how a picture is stored. Call this before it is decoded; a decoded picture has lost some of it.

        The result is kept with the picture and returned again after it is decoded.
        """
        if getattr(image, "tile", None) or KEPT not in vars(image):
            vars(image)[KEPT] = cls._read(image)
        kept: StoredSamples = vars(image)[KEPT]
        return kept

    @classmethod
    def _read(cls, image: Image.Image) -> "StoredSamples":
        decoder, raw_mode, maximum = _tile(image)
        if hasattr(image, "tag_v2"):
            return _of_tiff(image, decoder, raw_mode)
        if image.format == "PPM" and image.mode != "F":
            white = maximum or (MAX_16_BITS if image.mode == "I" else 255)
            if image.mode == "I":
                return cls(white=white, rescaled=not decoder)
            return cls(white=white, deep_colors=white > 255)
        if image.format == "PNG" and image.mode == "I":  # 16-bit gray in Pillow before 11
            return cls(white=MAX_16_BITS)
        return cls(deep_colors=not _is_deep_gray(image) and ";16" in raw_mode, gray_levels=GRAY_LEVELS.get(raw_mode, 255))

    def load(self, image: Any) -> None:
        """Decode a picture."""
        filename = getattr(image, "filename", "")
        try:
            if self.orientation in SIDEWAYS:
                image.filename = ""  # Pillow maps an uncompressed file to memory with its height and width exchanged
            image.load()
        finally:
            if self.orientation in SIDEWAYS:
                image.filename = filename

    def deep_pixels(self, image: Image.Image) -> DeepPixels | None:
        """Return the stored values of a decoded gray picture; None if 8 bits and no sign suffice for them."""
        if image.mode.startswith("I;16"):
            if self.white is not None:
                return DeepPixels(np.asarray(image), f"{self.white.bit_length()}-bit gray", self.white)
            return DeepPixels.of_16_bits(np.asarray(image), inverted=self.inverted)
        if image.mode == "I" and self.white is not None:  # Pillow scales to 65535
            values = np.rint(np.asarray(image) * (self.white / MAX_16_BITS)).astype(np.int64)
            if self.white == MAX_16_BITS:
                return DeepPixels.of_16_bits(values)
            return DeepPixels(values, "16-bit gray", self.white)
        if self.dtype is not None:
            return DeepPixels(np.asarray(image).view(self.dtype), self.dtype)
        if image.mode in ("F", "I"):
            return DeepPixels(np.asarray(image), f"mode {image.mode}", inverted=self.inverted)
        return None


def _tile(image: Image.Image) -> tuple[str, str, int | None]:
    """Return the name of the decoder, Pillow's raw mode, and a PGM's maximum, of a picture that is not decoded yet."""
    if not getattr(image, "tile", None):
        return "", "", None
    decoder, _, _, args = image.tile[0]  # type: ignore[attr-defined]
    first, *rest = args if isinstance(args, tuple) else (args,)
    maximum = rest[0] if decoder.startswith("ppm") and rest else None
    maximum = MAX_16_BITS if decoder == "raw" and first == "I;16B" else maximum
    return decoder, str(first), maximum


def _is_deep_gray(image: Image.Image) -> bool:
    return image.mode in ("F", "I") or image.mode.startswith("I;16")


def _of_tiff(image: Any, decoder: str, raw_mode: str) -> StoredSamples:
    tags = image.tag_v2
    bits, sample_format = tags.get(BITS, (1,))[0], tags.get(SAMPLE_FORMAT, (UNSIGNED,))[0]
    gray = _is_deep_gray(image)
    found = StoredSamples(orientation=tags.get(ORIENTATION, 1), deep_colors=bits == 16 and not gray)
    if gray:
        found = replace(found, inverted=tags.get(PHOTOMETRIC, WHITE_IS_ZERO) == WHITE_IS_ZERO)
    if image.mode == "I" and bits == 32 and sample_format == UNSIGNED:
        found = replace(found, dtype="uint32")
    if image.mode == "L" and sample_format == SIGNED:
        found = replace(found, dtype="int8")
    if bits == 12:
        found = replace(found, white=4095)
    if decoder == "libtiff" and raw_mode in SWAPPED:
        _deliver_native_bytes(image, raw_mode)
    elif not decoder and image.mode in ("F", "I") and image.info.get("compression", "raw") != "raw" and tags.prefix == b"MM":
        found = replace(found, problem="is a compressed big-endian TIFF, which Pillow decodes in the wrong byte order")
    if found.deep_colors and tags.get(PLANES) == SEPARATE_PLANES and image.info.get("compression", "raw") == "raw":
        found = replace(found, problem="is a TIFF with 16-bit colors in separate planes, which Pillow decodes wrongly")
    if image.mode in ("P", "PA") and max(tags[COLOR_MAP]) < 256:
        found = replace(found, problem="is a TIFF with a palette of 8 bits, which are 16 by definition; it would be black")
    return found


def _deliver_native_bytes(image: Any, raw_mode: str) -> None:
    """Correct the byte order that Pillow assumes: its decoder of compressed TIFFs delivers this machine's order."""
    tile = image.tile[0]
    args = (SWAPPED[raw_mode], *tile[3][1:])
    # before Pillow 11, a tile is a plain tuple
    image.tile = [tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)]
