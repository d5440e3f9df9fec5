"""A picture file as RGB, or the reason why not."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from saliency.io.picture_conversion import PictureError, Reading, choose_frame, rgb

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM", "ICO")
USUAL = Reading()
MOST_BYTES = 512 * 2**20
REFUSED = {b"%!PS": "EPS", b"%PDF": "PDF", b"SIMPLE": "FITS", b"8BPS": "PSD", b"<svg": "SVG", b"<?xml": "SVG or XML"}


def read_picture(path: str | Path, reading: Reading = USUAL) -> tuple[Image.Image, list[str]]:
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
                notes = choose_frame(path, image, reading.frame)
                image.load()
                return rgb(path, image, reading, notes)
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
