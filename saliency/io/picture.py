"""A picture file as RGB, or the reason why not. Nothing is repaired silently: every conversion is told."""

import stat
import warnings
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


def read_picture(path: str | Path) -> tuple[Image.Image, list[str]]:
    """Read a picture as eight-bit RGB.

    Args:
        path: a regular file in one of ``FORMATS``, whatever its suffix.

    Returns:
        The picture (mode RGB, turned as its EXIF orientation says), and what was converted, in words.

    Raises:
        PictureError: if it is missing, damaged, too large, or of a kind that has no one meaning as RGB.
    """
    path = Path(path)
    _check_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        try:
            with Image.open(path, formats=FORMATS) as image:
                image.load()
                return _rgb(path, image)
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


def _rgb(path: Path, image: Image.Image) -> tuple[Image.Image, list[str]]:
    """Return a loaded picture as RGB, and what was converted."""
    notes = ["first of several frames"] if getattr(image, "n_frames", 1) > 1 else []
    if image.getexif().get(0x0112, 1) != 1:
        notes.append("turned by EXIF orientation")
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        notes.append("16-bit grey scaled to 8 bits")
        image = Image.fromarray((np.asarray(image) / 257.0).round().astype(np.uint8))
    if image.mode in ("F", "I"):
        raise _ambiguous(path, image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        notes.append("transparent pixels laid on white")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode != "RGB":
        notes.append(f"{image.mode} converted to RGB")
    return image.convert("RGB"), notes


def _ambiguous(path: Path, image: Image.Image) -> PictureError:
    if not np.isfinite(np.asarray(image)).all():
        return PictureError("NONFINITE", path, "holds NaN or infinite pixels")
    code = "FLOAT_IMAGE" if image.mode == "F" else "DEEP_IMAGE"
    return PictureError(code, path, f"has pixels of mode {image.mode}, whose white is not known; save it with 8 or 16 bits")
