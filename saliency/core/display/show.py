"""Show images and masks in a grid."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.visualization import channels_last, picture_pixels, rescale_to_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(
    pictures: Sequence[Any],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    size: float = 2.4,
    cmap: str | None = None,
) -> "Figure":
    """Draw images and masks in a grid, without pyplot.

    Args:
        pictures: images or masks, each a PIL image, (H, W), (H, W, C) or (C, H, W). Two-dimensional ones are drawn
            with ``cmap``, on a scale from 0 to 1, or from -1 to 1 if a value is negative, as from ``VisualizeImageDiverging``.
        titles: one title for each image.
        columns: images in a row; None draws up to 8 in a row.
        size: width of an image in inches.
        cmap: matplotlib colormap; None selects "coolwarm" if a value is negative, otherwise "gray".

    Returns:
        A matplotlib figure. It renders itself in notebooks; ``.savefig(path)`` writes it to a file.

    Raises:
        ValueError: if there are no images, their number differs from that of the titles, or ``columns`` is less than 1.
    """
    from saliency.core.display.notebook_figure import NotebookFigure

    if not len(pictures):
        raise ValueError("`pictures` (length 0) must hold at least one image")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"`titles` (length {len(titles)}) must have one entry for each of the {len(pictures)} images")
    if columns is not None and columns < 1:
        raise ValueError(f"`columns` (={columns!r}) must be 1 or more, or None")
    columns = min(columns or 8, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = NotebookFigure(figsize=(size * columns, size * 1.12 * rows), layout="constrained")
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if i < len(pictures):
            _draw(axes, np.asarray(picture_pixels(pictures[i], apply_exif=True)), cmap)
            axes.set_title(titles[i] if titles else "", fontsize=9)
    return figure


def _draw(axes: Any, picture: npt.NDArray[Any], cmap: str | None) -> None:
    if picture.ndim == 2:
        signed = bool((picture < 0).any())
        axes.imshow(picture, cmap=cmap or ("coolwarm" if signed else "gray"), vmin=-1.0 if signed else 0.0, vmax=1.0)
    else:
        axes.imshow(rescale_to_unit(channels_last(picture, None)), cmap="gray")
