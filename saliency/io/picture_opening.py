"""Open a picture file in one of the allowed formats, without Pillow's process-wide settings."""

import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

from saliency.io.picture_options import PictureError
from saliency.io.png_chunks import check_chunks

AVIF = ("AVIF",) if find_spec("PIL.AvifImagePlugin") else ()  # Pillow 11.3 or newer
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", *AVIF, "PPM", "ICO")
DEFAULT_MAX_PIXELS = 2**30 // 4 // 3  # Pillow's own default
DECODED_BYTES = 4  # per pixel of a color picture in Pillow
DECODER_BYTES = {"WEBP": 17, "AVIF": 12}
"""Format -> bytes per pixel at the peak, as measured, where the decoder itself needs several copies."""
MEMORY = DECODED_BYTES * DEFAULT_MAX_PIXELS + 200 * 10**6
"""Bytes that a picture within the default limit may need."""


@contextmanager
def open_picture(file: IO[bytes], path: Path, max_pixels: int | None) -> Iterator[Image.Image]:
    """Open a picture for the block; its pixels are decoded when they are needed.

    ``Image.open`` would compare the size with ``Image.MAX_IMAGE_PIXELS``, which all threads share.

    Args:
        file: the open file; a decoder reads it within the block.
        path: its name, for error messages.
        max_pixels: largest number of pixels; None for 89 million, or less for formats whose decoder needs much memory.

    Raises:
        PictureError: if the picture has more pixels, or is a PNG file with a wrong checksum.
        UnidentifiedImageError: if the file has none of ``FORMATS``.
        Exception: whatever a decoder raises.
    """
    with PILLOW_WARNINGS.handled():
        image = _identify(file, str(path))
        check_pixels(path, image, max_pixels)
        if image.format == "PNG":
            check_chunks(path, file)
        with image:
            yield image


def check_pixels(path: Path, image: Image.Image, max_pixels: int | None) -> None:
    """Check the number of pixels of a picture.

    Args:
        path: the file, for the error.
        image: the picture, before it is decoded.
        max_pixels: see ``open_picture``.

    Raises:
        PictureError: if it is above the limit.
    """
    limit, reason = max_pixels, ""
    if limit is None:
        needed = _decoder_bytes(image)
        limit = min(DEFAULT_MAX_PIXELS, int(MEMORY / needed))
        if limit < DEFAULT_MAX_PIXELS:
            reason = f", because decoding this kind of {image.format} takes {needed:g} bytes of memory for each pixel"
            reason += "; convert it to PNG, or state the limit"
    if image.width * image.height > limit:
        size = f"{image.width} x {image.height}"
        raise PictureError("TOO_LARGE", path, f"has {size} pixels; the pixel limit is {limit}{reason}")


def _decoder_bytes(image: Image.Image) -> float:
    """Return how many bytes for each pixel a picture needs while it is decoded."""
    if image.format in DECODER_BYTES:
        return DECODER_BYTES[image.format or ""]
    layers: list[Any] = getattr(image, "layer", []) if image.info.get("progressive") else []
    samples = [columns * rows for _, columns, rows, *_ in layers]  # of each component of a JPEG
    coefficients: float = sum(samples) / max(samples, default=1)
    return DECODED_BYTES + 2.0 * coefficients  # libjpeg keeps all of them until the last scan


def _identify(file: IO[bytes], name: str) -> Image.Image:
    start = file.read(16)
    if not all(one in Image.OPEN for one in FORMATS):
        Image.init()
    for one in FORMATS:
        if one not in Image.OPEN:  # Pillow was built without it
            continue
        factory, accept = Image.OPEN[one]
        try:
            accepted = accept is None or accept(start)
            if not accepted or isinstance(accepted, str):  # a text says that Pillow was built without a library
                continue
            file.seek(0)
            return factory(file, name)
        except (SyntaxError, IndexError, TypeError, struct.error):  # the file has another format, as in Image.open
            continue
    raise UnidentifiedImageError(name)


class _SharedWarningFilters:
    """Handle Pillow's warnings while at least one thread reads a picture: all threads share the filters."""

    def __init__(self) -> None:
        self._lock, self._readers = threading.Lock(), 0
        self._context = warnings.catch_warnings()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Raise warnings about oversized pictures and hide all others of Pillow in the block."""
        if getattr(sys.flags, "context_aware_warnings", False):  # each thread has its own filters
            with warnings.catch_warnings():
                _set_filters()
                yield
            return
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                self._context = warnings.catch_warnings()
                self._context.__enter__()
                _set_filters()
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    self._context.__exit__(None, None, None)


def _set_filters() -> None:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


PILLOW_WARNINGS = _SharedWarningFilters()
"""Enter ``handled()`` in a thread that also changes warning filters while other threads read pictures."""
