"""Show images and masks in a grid."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.color_scale import SIGNED_COLORS, ColorScale, check_colormap, is_diverging
from saliency.core.display.drawn_text import drawn_text
from saliency.core.display.overlay import drawable_picture, picture_pixels
from saliency.core.display.visualization import map_values
from saliency.core.errors import InputError
from saliency.core.validation import host_numbers, real_number, shown, whole_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_SIZE, MAX_SIZE = 0.1, 100.0
"""Limits of the width of an image in inches."""


def show(
    pictures: Sequence[Any],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    size: float = 2.4,
    cmap: str | None = None,
) -> "Figure":
    """Draw images and masks in a grid, without pyplot.

    Args:
        pictures: images or masks, each a PIL image, (H, W), (H, W, C) or (C, H, W). A mask of a method is summed over its
            channels and scaled to its 99th percentile. Other two-dimensional arrays are drawn with ``cmap``, on a scale from
            0 to 1, or from -1 to 1 if a value is negative or they are from ``VisualizeImageDiverging``; if a value is beyond,
            they are scaled. Arrays of colors are images.
        titles: one title for each image.
        columns: images in a row; None draws up to 8 in a row.
        size: width of an image in inches.
        cmap: matplotlib colormap; None selects "coolwarm" if a value is negative, otherwise "gray".

    Returns:
        A matplotlib figure. It renders itself in notebooks; ``.savefig(path)`` writes it to a file.

    Raises:
        InputError: if there are no images, their number differs from that of the titles, or ``columns`` is less than 1.
    """
    from saliency.core.display.notebook_figure import NotebookFigure

    pictures = _as_list("pictures", pictures)
    titles = None if titles is None else _as_list("titles", titles)
    if not pictures:
        raise InputError("`pictures` (length 0) must hold at least one image")
    if titles is not None and len(titles) != len(pictures):
        raise InputError(f"`titles` (length {len(titles)}) must have one entry for each of the {len(pictures)} images")
    check_colormap(cmap)
    size = real_number("size", size, MIN_SIZE, MAX_SIZE)
    columns = min(8 if columns is None else whole_number("columns", columns, least=1), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = NotebookFigure(figsize=(size * columns, size * 1.12 * rows), layout="constrained")
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if i < len(pictures):
            _draw(axes, pictures[i], f"pictures[{i}]", cmap)
            axes.set_title(drawn_text(titles[i]) if titles else "", fontsize=9)
    return figure


def _as_list(name: str, values: Any) -> list[Any]:
    """Return several values as a list; a string, a number, a mapping or a picture is none."""
    if isinstance(values, Sequence) and not isinstance(values, str | bytes | bytearray | memoryview):
        return list(values)
    if getattr(values, "ndim", 0) and hasattr(values, "dtype"):
        return list(values)
    raise InputError(f"`{name}` (={shown(values)}) must be a list")


def _draw(axes: Any, picture: Any, name: str, cmap: str | None) -> None:
    if hasattr(picture, "about") and hasattr(picture, "details"):  # a mask, whatever its shape
        _draw_mask(axes, picture, host_numbers(picture, name, None), cmap)
        return
    numbers = host_numbers(picture_pixels(picture, apply_exif=True), name, None)
    if numbers.ndim == 2 and numbers.dtype != np.uint8:
        _draw_mask(axes, picture, numbers, cmap)
    else:
        axes.imshow(drawable_picture(numbers, apply_exif=True), cmap="gray", vmin=0, vmax=1)


def _draw_mask(axes: Any, mask: Any, numbers: npt.NDArray[Any], cmap: str | None) -> None:
    """Draw a mask on a scale from 0 to 1, or from -1 to 1 if it is signed; other ranges are scaled to it."""
    signed = is_diverging(mask, numbers)
    if hasattr(mask, "about"):
        values, scaled = map_values(mask, signed), True
    else:
        values = numbers if numbers.dtype.kind == "f" else numbers.astype(float)
        peak = np.abs(values).max()
        scaled = bool(peak > 1)
        values = (values / peak if scaled else values).astype(float)  # no larger type, of which matplotlib has none
    if scaled:
        values = ColorScale.of([values], signed).unit(values)
    axes.imshow(values, cmap=cmap or (SIGNED_COLORS if signed else "gray"), vmin=-1.0 if signed else 0.0, vmax=1.0)
