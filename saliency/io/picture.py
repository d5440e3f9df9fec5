"""Read a picture file as RGB, or raise an error with a code."""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from saliency.io.picture_conversion import convert_to_rgb, seek_frame
from saliency.io.picture_opening import FORMATS, check_pixels, open_picture
from saliency.io.picture_options import DEFAULT_OPTIONS, PictureError, PictureOptions

MAX_BYTES = 512 * 2**20
OUT_OF_MEMORY = ("out of memory", "cannot allocate memory", "can't allocate memory")  # in messages of decoders
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
UNSUPPORTED_SIGNATURES = {
    b"%!PS": "EPS", b"%PDF": "PDF", b"SIMPLE": "FITS", b"8BPS": "PSD", b"<svg": "SVG", b"<?xml": "SVG or XML",
    b"P7": "PAM", b"PF": "PFM in colors", b"Pf": "PFM",
}  # fmt: skip


def read_picture(path: str | Path, options: PictureOptions = DEFAULT_OPTIONS) -> tuple[Image.Image, list[str]]:
    """Read a picture as 8-bit RGB.

    Args:
        path: a regular file in one of ``FORMATS``; its suffix does not matter.
        options: which frame to read, and how to convert it.

    Returns:
        The picture (mode RGB), and a description of each conversion.

    Raises:
        PictureError: if the file is missing, damaged or too large, or its pixels cannot be converted to RGB unambiguously.
    """
    if not isinstance(path, str | os.PathLike):
        raise PictureError("UNREADABLE", type(path).__name__, "must be the path of a picture")
    path = Path(path)
    _check_size(path, _file_size(path))
    return _decode(lambda: path.open("rb"), path, options)


def decode_picture(content: bytes, name: str, options: PictureOptions = DEFAULT_OPTIONS) -> tuple[Image.Image, list[str]]:
    """Decode the content of a picture file as 8-bit RGB, as ``read_picture`` does.

    Args:
        content: the bytes of a file in one of ``FORMATS``.
        name: the name of the picture, for error messages.
        options: which frame to read, and how to convert it.

    Returns:
        The picture (mode RGB), and a description of each conversion.

    Raises:
        PictureError: as ``read_picture``.
    """
    path = Path(name)
    _check_size(path, len(content))
    return _decode(lambda: io.BytesIO(content), path, options)


def _decode(open_file: Callable[[], IO[bytes]], path: Path, options: PictureOptions) -> tuple[Image.Image, list[str]]:
    try:
        with open_file() as file, open_picture(file, path, options.max_pixels) as image:
            notes = seek_frame(path, image, options.frame)
            check_pixels(path, image, options.max_pixels)  # a frame may have another size
            rgb, conversions = convert_to_rgb(path, image, options)
            image.close()  # frees its pixels, unless they are those of the result
            return rgb, [*notes, *conversions]
    except PictureError:
        raise
    except MemoryError:
        raise _memory_error(path, "") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureError("TOO_LARGE", path, f"exceeds the pixel limit ({error})") from None
    except UnidentifiedImageError:
        with open_file() as file:
            raise _unidentified_error(path, file.read(16)) from None
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, ValueError, RuntimeError, struct.error
        if any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY):
            raise _memory_error(path, f" ({error})") from None
        code = "TRUNCATED" if "truncated" in str(error).lower() else "DAMAGED"
        raise PictureError(code, path, f"is a damaged picture: {error}") from None


def _memory_error(path: Path, detail: str) -> PictureError:
    return PictureError("OOM", path, f"does not fit into memory{detail}; free memory, or make the picture smaller")


def _file_size(path: Path) -> int:
    """Return the size of a regular file in bytes."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("NOT_REGULAR", path, "is not a regular file")
        with path.open("rb"):
            pass
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError("MISSING", path, "does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise PictureError("UNREADABLE", path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return status.st_size


def _check_size(path: Path, size: int) -> None:
    if size == 0:
        raise PictureError("EMPTY_FILE", path, "is empty (0 bytes)")
    if size > MAX_BYTES:
        raise PictureError("TOO_LARGE", path, f"has {size} bytes; at most {MAX_BYTES} are read")


def _unidentified_error(path: Path, start: bytes) -> PictureError:
    signatures = UNSUPPORTED_SIGNATURES.items()
    kind = next((kind for signature, kind in signatures if start.lstrip().startswith(signature)), None)
    kind = "HEIC" if start[4:8] == b"ftyp" else kind
    if kind:
        return PictureError("FORMAT", path, f"is {kind}, which is not supported; convert it to PNG")
    if start.startswith(TIFF_SIGNATURES):
        return PictureError("FORMAT", path, "is a TIFF of an unsupported kind, or is damaged; convert it to PNG")
    supported = ", ".join(FORMATS)
    return PictureError("NOT_AN_IMAGE", path, f"is not a picture (it begins with {start!r}); supported are {supported}")
