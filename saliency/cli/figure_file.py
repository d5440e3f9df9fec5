"""Write a Matplotlib figure to a file with a comment."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from saliency.io.atomic_write import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMENT_KEYS = {".pdf": "Subject", ".png": "Description", ".svg": "Description"}
"""Suffix of a file -> the entry of its metadata that holds the comment."""


def write_figure(figure: "Figure", path: Path, comment: str, dpi: int) -> None:
    """Write a figure to a file; see ``encode_figure``.

    Raises:
        OSError: if the file was not written.
    """
    write_encoded(path, encode_figure(figure, path.suffix, comment, dpi))


def write_encoded(path: Path, contents: bytes) -> None:
    """Write the contents of a file, which appears under its name when it is complete.

    Raises:
        OSError: if the file was not written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(contents)  # Pillow itself ignores the error of a full disk


def encode_figure(figure: "Figure", suffix: str, comment: str, dpi: int) -> bytes:
    """Return the contents of a JPEG, PNG, PDF or SVG file of a figure, with a comment.

    Text in PDF and SVG files stays text.

    Args:
        figure: the figure.
        suffix: ``.jpg``, ``.png``, ``.pdf`` or ``.svg``, which selects the format.
        comment: describes the figure.
        dpi: pixels per inch of JPEG and PNG files, and of the images within PDF and SVG files.
    """
    from matplotlib import rc_context

    from saliency.core.display.notebook_figure import FONTS

    encoded = io.BytesIO()
    if suffix == ".jpg":
        figure_pixels(figure, dpi).save(encoded, "JPEG", dpi=(dpi, dpi), comment=comment)
    else:
        with rc_context(FONTS):
            figure.savefig(encoded, format=suffix[1:], dpi=dpi, metadata={COMMENT_KEYS[suffix]: comment})
    return encoded.getvalue()


def figure_pixels(figure: "Figure", dpi: int) -> Image.Image:
    """Draw a figure and return its pixels, RGB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)  # Matplotlib has no types for it
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
