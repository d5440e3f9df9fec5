"""Open a picture file in one of the allowed formats, without Pillow's process-wide settings."""

import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from saliency.io.picture_options import PictureError
from saliency.io.png_chunks import check_chunks

AVIF = ("AVIF",) if find_spec("PIL.AvifImagePlugin") else ()  # Pillow 11.3 or newer
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", *AVIF, "PPM", "ICO")
DEFAULT_MAX_PIXELS = 2**30 // 4 // 3  # Pillow's own default


@contextmanager
def open_picture(path: Path, max_pixels: int | None) -> Iterator[Image.Image]:
    """Open a picture for the block; its pixels are decoded when they are needed.

    ``Image.open`` would compare the size with ``Image.MAX_IMAGE_PIXELS``, which all threads share.

    Args:
        path: a regular file.
        max_pixels: largest number of pixels; None for 89 million.

    Raises:
        PictureError: if the picture has more pixels, or is a PNG file with a wrong checksum.
        UnidentifiedImageError: if the file has none of ``FORMATS``.
        Exception: whatever a decoder raises.
    """
    with path.open("rb") as file, _PILLOW_WARNINGS.handled():
        image = _identify(file, str(path))
        check_pixels(path, image.size, max_pixels)
        if image.format == "PNG":
            check_chunks(path, file)
        with image:
            yield image


def check_pixels(path: Path, size: tuple[int, int], max_pixels: int | None) -> None:
    """Check the number of pixels of a picture.

    Raises:
        PictureError: if it is above the limit.
    """
    limit = DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels
    if size[0] * size[1] > limit:
        raise PictureError("TOO_LARGE", path, f"has {size[0]} x {size[1]} pixels; the pixel limit is {limit}")


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


_PILLOW_WARNINGS = _SharedWarningFilters()
