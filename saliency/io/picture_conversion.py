"""Convert a decoded picture to 8-bit RGB and record every conversion."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

EXIF_ORIENTATION = 0x0112


class PictureError(ValueError):
    """A file that cannot be read as a picture.

    Args:
        code: the reason as one word, such as ``MISSING`` or ``DAMAGED``.
        path: the file.
        problem: what is wrong with the file.
    """

    def __init__(self, code: str, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.code = code


@dataclass(frozen=True)
class PictureOptions:
    """Options for reading a picture.

    Args:
        frame: index of the frame to read from a picture with several, from 0.
        apply_exif: whether to turn the picture as its EXIF orientation says.
        float_range: values that become black and white in a picture of floats or 32-bit integers; None refuses such pictures.
        max_pixels: largest number of pixels that is read; None for Pillow's limit, 89 million.
    """

    frame: int = 0
    apply_exif: bool = True
    float_range: tuple[float, float] | None = None
    max_pixels: int | None = None


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


def convert_to_rgb(path: Path, image: Image.Image, options: PictureOptions, notes: list[str]) -> tuple[Image.Image, list[str]]:
    """Convert a loaded picture to RGB and append a note for each conversion.

    Raises:
        PictureError: if its pixels cannot be converted to RGB unambiguously.
    """
    if options.apply_exif and image.getexif().get(EXIF_ORIENTATION, 1) != 1:
        notes.append("turned by EXIF orientation")
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        notes.append("16-bit gray scaled to 8 bits")
        image = _scale_to_gray(image, 0.0, 65535.0)
    if image.mode in ("F", "I"):
        _check_float_pixels(path, image, options)
        black, white = options.float_range or (0.0, 1.0)
        notes.append(f"mode {image.mode} scaled from {black:g} to {white:g}")
        image = _scale_to_gray(image, black, white)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        notes.append("transparent pixels blended with white")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode != "RGB":
        notes.append(f"{image.mode} converted to RGB")
    return image.convert("RGB"), notes


def _scale_to_gray(image: Image.Image, black: float, white: float) -> Image.Image:
    values = (np.asarray(image).astype(np.float64) - black) / (white - black)
    return Image.fromarray((255 * values.clip(0, 1)).round().astype(np.uint8))


def _check_float_pixels(path: Path, image: Image.Image, options: PictureOptions) -> None:
    if not np.isfinite(np.asarray(image)).all():
        raise PictureError("NONFINITE", path, "has pixels that are NaN or infinite")
    if options.float_range is None:
        code = "FLOAT_IMAGE" if image.mode == "F" else "DEEP_IMAGE"
        problem = f"has pixels of mode {image.mode}, whose values for black and white are unknown; give them with -float-range"
        raise PictureError(code, path, problem)
