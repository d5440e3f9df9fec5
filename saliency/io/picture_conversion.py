"""A decoded picture as eight-bit RGB. Nothing is repaired silently: every conversion is told."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


class PictureError(ValueError):
    """A file that is no usable picture; ``code`` says why in a word."""

    def __init__(self, code: str, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.code = code


@dataclass(frozen=True)
class Reading:
    """How a picture is read.

    Args:
        frame: of a picture with several, from 0.
        turned: as its EXIF orientation says.
        float_range: values that become black and white in a picture of floats or of 32-bit integers; None reads none.
        most_pixels: of a picture that is read; None for what Pillow takes for safe, 89 million.
    """

    frame: int = 0
    turned: bool = True
    float_range: tuple[float, float] | None = None
    most_pixels: int | None = None


def choose_frame(path: Path, image: Image.Image, frame: int) -> list[str]:
    """Go to the frame that is to be read; return what is to be told of it.

    Raises:
        PictureError: if there are not so many.
    """
    frames = getattr(image, "n_frames", 1)
    if frame >= frames:
        raise PictureError("FRAME", path, f"has {frames} frame(s), and not frame {frame + 1}")
    if frame:
        image.seek(frame)
    return [f"frame {frame + 1} of several" if frame else "first of several frames"] if frames > 1 else []


def rgb(path: Path, image: Image.Image, reading: Reading, notes: list[str]) -> tuple[Image.Image, list[str]]:
    """Return a loaded picture as RGB, and what was converted.

    Raises:
        PictureError: if its pixels have no one meaning as RGB.
    """
    if reading.turned and image.getexif().get(0x0112, 1) != 1:
        notes.append("turned by EXIF orientation")
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        notes.append("16-bit grey scaled to 8 bits")
        image = _grey(image, 0.0, 65535.0)
    if image.mode in ("F", "I"):
        _check_meaning(path, image, reading)
        black, white = reading.float_range or (0.0, 1.0)
        notes.append(f"mode {image.mode} scaled from {black:g} to {white:g}")
        image = _grey(image, black, white)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        notes.append("transparent pixels laid on white")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode != "RGB":
        notes.append(f"{image.mode} converted to RGB")
    return image.convert("RGB"), notes


def _grey(image: Image.Image, black: float, white: float) -> Image.Image:
    values = (np.asarray(image).astype(np.float64) - black) / (white - black)
    return Image.fromarray((255 * values.clip(0, 1)).round().astype(np.uint8))


def _check_meaning(path: Path, image: Image.Image, reading: Reading) -> None:
    if not np.isfinite(np.asarray(image)).all():
        raise PictureError("NONFINITE", path, "holds NaN or infinite pixels")
    if reading.float_range is None:
        code = "FLOAT_IMAGE" if image.mode == "F" else "DEEP_IMAGE"
        raise PictureError(
            code,
            path,
            f"has pixels of mode {image.mode}, whose black and white are not known; a range (-float-range) tells them",
        )
