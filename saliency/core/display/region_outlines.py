"""Outlines of regions over a map or a picture."""

from typing import Any

import numpy as np
import numpy.typing as npt

COLOR, WIDTH = "#9a9a9a", 0.5  # a gray that is seen on dark and on bright colors

Segments = npt.NDArray[np.float64]


def draw_region_outlines(axes: Any, labels: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Draw the borders between regions over an image.

    Args:
        axes: where the image is drawn.
        labels: the region of each pixel, (H, W).
        shape: height and width of the image, which may differ from those of the labels.
    """
    from matplotlib.collections import LineCollection

    scale = np.array([shape[1] / labels.shape[1], shape[0] / labels.shape[0]])  # x, y
    segments = (region_borders(labels) + 0.5) * scale - 0.5
    axes.add_collection(LineCollection(list(segments), colors=COLOR, linewidths=WIDTH), autolim=False)


def region_borders(labels: npt.NDArray[Any]) -> Segments:
    """Return the edges between pixels of different regions, (edges, 2 ends, 2), as x and y; a pixel's center is whole."""
    rows, columns = np.nonzero(labels[:, 1:] != labels[:, :-1])
    upright = [[columns + 0.5, rows - 0.5], [columns + 0.5, rows + 0.5]]
    rows, columns = np.nonzero(labels[1:] != labels[:-1])
    level = [[columns - 0.5, rows + 0.5], [columns + 0.5, rows + 0.5]]
    return np.concatenate([np.moveaxis(np.array(each, np.float64), 2, 0) for each in (upright, level)])
