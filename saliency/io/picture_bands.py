"""Convert a large picture in bands of rows, and reduce it at the same time."""

from collections.abc import Callable, Iterator
from math import ceil, floor

from PIL import Image

BAND_PIXELS = 2**20  # pixels that are converted at a time, unless a row has more
UNREDUCED_PIXELS = 2**25  # up to this size, pictures are never reduced
GAP = 4  # a reduced picture is at least this many times as large as the size to which it is resized
MIN_FACTOR = 1.5  # a smaller reduction would save little memory

SIDEWAYS = (Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
"""Turns that make columns of rows."""

BACKWARD = (
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_180,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_270,
)
"""Turns after which the first row is the last row or column."""

Size = tuple[int, int]


def reduced_size(size: Size, needed: Size | None) -> Size:
    """Return the (width, height) to which a picture may be reduced while it is read.

    The error of this reduction is small beside that of the resizing that follows; docs/dnnbrain.md has the measurement.

    Args:
        size: (width, height) of the picture.
        needed: (height, width) to which it is resized afterwards; None if that is unknown.
    """
    if needed is None or size[0] * size[1] <= UNREDUCED_PIXELS:
        return size
    factor = min(size) / (GAP * max(needed))  # the longer side, because the picture may still be turned
    return (round(size[0] / factor), round(size[1] / factor)) if factor >= MIN_FACTOR else size


def decode_reduced(image: Image.Image, target: Size) -> None:
    """Let the decoder of a JPEG picture reduce it, to at least twice a size; other pictures stay as they are.

    Args:
        image: a picture that is not decoded yet.
        target: (width, height) that ``convert_bands`` reduces the picture to.
    """
    if image.format == "JPEG" and target != image.size:
        image.draft(image.mode, (2 * target[0], 2 * target[1]))


def bands(image: Image.Image) -> Iterator[Image.Image]:
    """Yield a decoded picture in bands of rows, from top to bottom; a small picture is one band."""
    width, height = image.size
    rows = max(1, BAND_PIXELS // max(1, width))
    if rows >= height:
        yield image
        return
    for top in range(0, height, rows):
        yield image.crop((0, top, width, min(top + rows, height)))


def convert_bands(
    image: Image.Image,
    target: Size,
    convert: Callable[[Image.Image], Image.Image],
    turn: Image.Transpose | None = None,
) -> Image.Image:
    """Convert a picture band by band, average its pixels if it is to be reduced, and turn it.

    Args:
        image: a decoded picture.
        target: (width, height) of the result before it is turned.
        convert: from a band to the same band in mode RGB; each pixel must depend only on the same pixel.
        turn: how to turn the picture.
    """
    if target == image.size and image.width * image.height <= BAND_PIXELS:
        return convert(image) if turn is None else convert(image).transpose(turn)
    result = Image.new("RGB", target[::-1] if turn in SIDEWAYS else target)
    (width, height), (columns, rows) = image.size, target
    step = max(1, int(BAND_PIXELS / width * rows / height))  # rows of the result
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        top, bottom = start * height / rows, stop * height / rows
        first, last = floor(top), min(ceil(bottom), height)
        band = convert(image.crop((0, first, width, last)))
        if target != image.size:
            box = (0, top - first, width, min(bottom - first, last - first))
            band = band.resize((columns, stop - start), Image.Resampling.BOX, box=box)
        at = rows - stop if turn in BACKWARD else start
        result.paste(band if turn is None else band.transpose(turn), (at, 0) if turn in SIDEWAYS else (0, at))
    return result
