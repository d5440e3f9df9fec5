"""A picture file as RGB, or the reason why not. Nothing is repaired silently: every conversion is told."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM", "ICO")
MOST_BYTES = 512 * 2**20
REFUSED = {b"%!PS": "EPS", b"%PDF": "PDF", b"SIMPLE": "FITS", b"8BPS": "PSD", b"<svg": "SVG", b"<?xml": "SVG or XML"}


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


def read_picture(path: str | Path, reading: Reading = Reading()) -> tuple[Image.Image, list[str]]:
    """Read a picture as eight-bit RGB.

    Args:
        path: a regular file in one of ``FORMATS``, whatever its suffix.
        reading: how.

    Returns:
        The picture (mode RGB), and what was converted, in words.

    Raises:
        PictureError: if it is missing, damaged, too large, or of a kind that has no one meaning as RGB.
    """
    path = Path(path)
    _check_file(path)
    with warnings.catch_warnings(), _most_pixels(reading.most_pixels):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        try:
            with Image.open(path, formats=FORMATS) as image:
                notes = _choose_frame(path, image, reading.frame)
                image.load()
                return _rgb(path, image, reading, notes)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise PictureError("TOO_LARGE", path, f"has more pixels than are read ({error})") from None
        except UnidentifiedImageError:
            raise _unidentified(path) from None
        except PictureError:
            raise
        except Exception as error:  # decoders raise anything: OSError, SyntaxError, ValueError, RuntimeError, struct.error
            code = "TRUNCATED" if "truncated" in str(error).lower() else "DAMAGED"
            raise PictureError(code, path, f"is a damaged picture: {error}") from None


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("NOT_REGULAR", path, "is no regular file")
        with path.open("rb"):
            pass
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError("MISSING", path, "does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise PictureError("UNREADABLE", path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if status.st_size == 0:
        raise PictureError("EMPTY_FILE", path, "is empty (0 bytes)")
    if status.st_size > MOST_BYTES:
        raise PictureError("TOO_LARGE", path, f"has {status.st_size} bytes; at most {MOST_BYTES} are read")


def _unidentified(path: Path) -> PictureError:
    with path.open("rb") as file:
        start = file.read(16)
    kind = next((kind for magic, kind in REFUSED.items() if start.lstrip().startswith(magic)), None)
    kind = "HEIC" if start[4:8] == b"ftyp" else kind
    if kind:
        return PictureError("FORMAT", path, f"is {kind}, which is not read; convert it to PNG")
    return PictureError("NOT_AN_IMAGE", path, f"is no picture (it begins with {start!r}); read are {', '.join(FORMATS)}")


@contextmanager
def _most_pixels(limit: int | None) -> Iterator[None]:
    """Let Pillow refuse pictures with more pixels, while one is read."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = before if limit is None else limit
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _choose_frame(path: Path, image: Image.Image, frame: int) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    if frame >= frames:
        raise PictureError("FRAME", path, f"has {frames} frame(s), and not frame {frame + 1}")
    if frame:
        image.seek(frame)
    return [f"frame {frame + 1} of several" if frame else "first of several frames"] if frames > 1 else []


def _rgb(path: Path, image: Image.Image, reading: Reading, notes: list[str]) -> tuple[Image.Image, list[str]]:
    """Return a loaded picture as RGB, and what was converted."""
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
