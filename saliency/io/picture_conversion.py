"""Convert a picture to 8-bit RGB and record every conversion."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from saliency.io.deep_pixels import MAX_16_BITS, DeepPixels, dark_notes
from saliency.io.picture_bands import bands, convert_bands, decode_reduced, reduced_size
from saliency.io.picture_options import DEFAULT_OPTIONS, PictureError, PictureOptions
from saliency.io.stored_samples import ORIENTATION, StoredSamples

TURNS = range(2, 9)  # EXIF orientations that change a picture
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip
APPLY = UNDO | {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
WITH_ALPHA = ("RGBA", "LA", "PA", *PREMULTIPLIED)
BLENDED = "transparent pixels blended with white"


def seek_frame(path: Path, image: Image.Image, frame: int) -> list[str]:
    """Select a frame of an open picture and return notes about it.

    Raises:
        PictureError: if the picture has no such frame.
    """
    frames = getattr(image, "n_frames", 1)
    if frame >= frames:
        raise PictureError("FRAME", path, f"has {frames} frame(s); there is no frame {frame + 1}")
    if frame:
        image.seek(frame)
    return [f"frame {frame + 1} of several" if frame else "first of several frames"] if frames > 1 else []


def convert_to_rgb(path: Path | str, image: Image.Image, options: PictureOptions) -> tuple[Image.Image, list[str]]:
    """Convert a picture to RGB.

    Args:
        path: the file or name of the picture, for error messages.
        image: a picture of any mode. Some facts about its samples are lost when it is decoded, so pass it before.
        options: how to convert it.

    Returns:
        The picture (mode RGB) without metadata, and a note for each conversion.

    Raises:
        PictureError: if its pixels cannot be converted to RGB unambiguously.
    """
    stored = StoredSamples.of(image)
    target = reduced_size(image.size, options.needed_size)
    decode_reduced(image, target)
    _load(path, image, stored)
    turn, notes = _turn(image, stored, options)
    if stored.deep_pixels(image.crop((0, 0, 1, 1))) is not None:
        convert, deep_notes = _deep_conversion(path, image, stored, options)
        notes += deep_notes
    else:
        if stored.deep_colors:
            notes += _deep_color_notes(path, image, stored, options)
        elif options.float_range is not None:
            notes.append(f"{options.range_option} not applied to 8-bit pixels")
        notes += _color_notes(image)
        convert = partial(_colors_to_rgb, stored=stored)
    if image.mode == "RGB" and image.info.get("transparency") is None and turn is None and target == image.size:
        rgb = image._new(image.im)  # the same pixels: a copy would double the memory
    else:
        rgb = convert_bands(image, target, convert, turn)
    rgb.info = {}  # without an orientation or a transparency that would be applied twice
    return rgb, notes


def drawable_pixels(image: Image.Image, apply_exif: bool) -> npt.NDArray[Any]:
    """Return the pixels of a picture as numbers that can be drawn.

    Args:
        image: a picture of any mode.
        apply_exif: whether to turn the picture as its EXIF orientation says; otherwise, a picture that has one is refused.

    Returns:
        uint8 (H, W, 3), or (H, W) in the unit of a gray picture of more than 8 bits.

    Raises:
        PictureError: if the picture has an EXIF orientation that is not to be applied, or its pixels are ambiguous.
    """
    stored = StoredSamples.of(image)
    _load("picture", image, stored)
    if not apply_exif and image.getexif().get(ORIENTATION, 1) in TURNS:
        problem = "has an EXIF orientation that the mask may not have; pass PIL.ImageOps.exif_transpose(image)"
        raise PictureError("ORIENTATION", "picture", problem)
    turn, _ = _turn(image, stored, DEFAULT_OPTIONS)
    image = image if turn is None else image.transpose(turn)
    deep = stored.deep_pixels(image)
    if deep is None:
        return np.asarray(_colors_to_rgb(image, stored))
    return deep.values.max() - deep.values.astype(np.float64) if deep.inverted else deep.values


def _load(path: Path | str, image: Image.Image, stored: StoredSamples) -> None:
    """Decode a picture."""
    if stored.problem is not None:
        raise PictureError("FORMAT", path, f"{stored.problem}; convert it to PNG")
    stored.load(image)


def _turn(image: Image.Image, stored: StoredSamples, options: PictureOptions) -> tuple[Image.Transpose | None, list[str]]:
    """Return how a decoded picture is to be turned, and a note if it is or was turned."""
    orientation = image.getexif().get(ORIENTATION, 1)
    turned = stored.orientation in TURNS and orientation == 1  # Pillow turns TIFFs itself
    if not options.apply_exif:
        return (UNDO[stored.orientation] if turned else None), []
    turn = APPLY[orientation] if orientation in TURNS else None
    return turn, ["turned by EXIF orientation"] if turned or turn is not None else []


def _deep_conversion(
    path: Path | str, image: Image.Image, stored: StoredSamples, options: PictureOptions
) -> tuple[Callable[[Image.Image], Image.Image], list[str]]:
    """Return the conversion to RGB for bands of a decoded gray picture of more than 8 bits, and notes on it."""
    if stored.rescaled and options.float_range is not None:
        problem = "is a PGM that Pillow has scaled to 16 bits; open it again and do not load it"
        raise PictureError("DEEP_IMAGE", path, problem)
    largest = 0
    for band in bands(image):
        deep = _deep_pixels(stored, band)
        deep.check_finite(path)
        largest = max(largest, int(deep.values.max()))
    black, white = deep.black_and_white(path, options)
    stated = image.info.get("transparency")
    transparent = stated if isinstance(stated, int) else None

    def convert(band: Image.Image) -> Image.Image:
        deep = _deep_pixels(stored, band)
        return _blend_gray(deep.scale(black, white), None if transparent is None else deep.values == transparent)

    return convert, [*deep.notes(path, options, largest), "L converted to RGB" if transparent is None else BLENDED]


def _deep_pixels(stored: StoredSamples, image: Image.Image) -> DeepPixels:
    deep = stored.deep_pixels(image)
    assert deep is not None  # noqa: S101 - it depends on the mode only
    return deep


def _deep_color_notes(path: Path | str, image: Image.Image, stored: StoredSamples, options: PictureOptions) -> list[str]:
    """Return notes for 16-bit colors, of which Pillow decodes the upper 8 bits, or raise an error if these do not suffice."""
    if options.float_range is not None:
        problem = f"has 16-bit colors, to which {options.range_option} cannot be applied; convert it to 8 bits"
        raise PictureError("DEEP_IMAGE", path, problem)
    if "transparency" in image.info:
        raise PictureError("DEEP_IMAGE", path, "has a transparent 16-bit color; convert it to 8 bits")
    n = {"LA": 1, "La": 1}.get(image.mode, 4 if image.mode == "CMYK" else 3)
    largest = max(int(np.asarray(band)[..., :n].max()) for band in bands(image))
    notes = ["16-bit colors reduced to 8 bits"]
    if stored.white in (None, MAX_16_BITS):
        notes += dark_notes(path, 256 * largest + 255, options.refuse_dark, "convert it to 8 bits")
    return notes


def _color_notes(image: Image.Image) -> list[str]:
    """Return a note on the conversion of a picture of 8-bit samples to RGB."""
    if image.mode in WITH_ALPHA or image.info.get("transparency") is not None:
        return [BLENDED]
    return [] if image.mode == "RGB" else [f"{image.mode} converted to RGB"]


def _colors_to_rgb(image: Image.Image, stored: StoredSamples) -> Image.Image:
    """Convert a picture of 8-bit samples to RGB, with white in place of transparency."""
    transparent = image.info.get("transparency")
    if image.mode in ("1", "L") and isinstance(transparent, int):
        levels = 1 if image.mode == "1" else stored.gray_levels
        pixels = np.asarray(image.convert("L"))
        return _blend_gray(pixels, pixels == 255 * min(transparent, levels) // levels)
    premultiplied = PREMULTIPLIED.get(image.mode)
    image = image if premultiplied is None else image.convert(premultiplied)
    if image.mode in WITH_ALPHA or transparent is not None:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _blend_gray(pixels: npt.NDArray[np.uint8], transparent: npt.NDArray[np.bool_] | None) -> Image.Image:
    """Return gray pixels as RGB, with white in place of the transparent ones."""
    if transparent is not None:
        pixels = np.where(transparent, np.uint8(255), pixels)
    return Image.fromarray(pixels).convert("RGB")
