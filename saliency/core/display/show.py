"""A grid of pictures and masks."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from saliency.core.display.visualization import channels_last, stretched

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show(
    pictures: Sequence[Any],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    size: float = 2.4,
    cmap: str | None = None,
) -> "Figure":
    """Lay pictures and masks out in a grid, without pyplot.

    Args:
        pictures: (H, W), (H, W, C) or (C, H, W) each; 2-D ones are drawn with ``cmap``: 0 to 1, or -1 to 1 where a pixel
            is negative, as in ``VisualizeImageDiverging``.
        titles: one a picture.
        columns: pictures in a row; None makes one row of up to 8.
        size: width of a picture in inches.
        cmap: matplotlib colour map; None is "gray", or "coolwarm" for a picture with a negative pixel.

    Returns:
        A matplotlib figure: a notebook shows it, ``.savefig(path)`` writes it.

    Raises:
        ValueError: if there is no picture, or the number of titles is another.
    """
    from saliency.core.display.notebook_figure import NotebookFigure

    if not len(pictures):
        raise ValueError("`pictures` (length 0) must hold one picture at least")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"`titles` (length {len(titles)}) must have one entry for each of the {len(pictures)} pictures")
    if columns is not None and columns < 1:
        raise ValueError(f"`columns` (={columns!r}) must be 1 or more, or None")
    columns = min(columns or 8, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = NotebookFigure(figsize=(size * columns, size * 1.12 * rows), layout="constrained")
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if i < len(pictures):
            _draw(axes, np.asarray(pictures[i]), cmap)
            axes.set_title(titles[i] if titles else "", fontsize=9)
    return figure


def _draw(axes: Any, picture: npt.NDArray[Any], cmap: str | None) -> None:
    if picture.ndim == 2:
        signed = bool((picture < 0).any())
        axes.imshow(picture, cmap=cmap or ("coolwarm" if signed else "gray"), vmin=-1.0 if signed else 0.0, vmax=1.0)
    else:
        axes.imshow(stretched(channels_last(picture, None)), cmap="gray")
