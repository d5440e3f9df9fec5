"""Place the images of a figure in a grid, as large as possible, as Matplotlib's ``tight_layout`` does."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PAD = 0.15  # inches between images and around them
LABEL_WIDTH = 0.2  # inches for a row's label, left of its first image
INITIAL_MARGINS = {"columns": (0.125, 0.1), "rows": (0.12, 0.11)}  # shares of the figure, before images are moved outwards
INITIAL_GAP = 0.2  # between cells, as a share of a cell


@dataclass(frozen=True)
class RightMargin:
    """The space on the right of each image.

    Args:
        share: space as a share of the image's width.
        inches: additional space in inches.
    """

    share: float = 0.0
    inches: float = 0.0


def image_boxes(size: tuple[float, float], shapes: Numbers, margin: RightMargin) -> Numbers:
    """Compute the positions and sizes of the images of a figure.

    Args:
        size: width and height of the figure in inches.
        shapes: (rows, columns, 2), heights and widths of the images in any unit.
        margin: space on the right of each image.

    Returns:
        (rows, columns, 4): left, top, width and height in inches, from the upper left corner of the figure.
    """
    rows, columns = shapes.shape[:2]
    figure_width, figure_height = size
    cell_width = _initial_cell_size(columns, figure_width, INITIAL_MARGINS["columns"])
    cell_height = _initial_cell_size(rows, figure_height, INITIAL_MARGINS["rows"])
    widths, heights = _fitted_sizes(shapes, cell_width, cell_height, margin)
    right = (widths * (1 + margin.share) + margin.inches - cell_width) / 2  # (rows, columns); < 0 in a cell that is not filled
    left, ends = right.copy(), (heights - cell_height) / 2
    left[:, 0] += LABEL_WIDTH
    between_columns = (right[:, :-1] + left[:, 1:]).max(initial=-figure_width)
    between_rows = (ends[:-1] + ends[1:]).max(initial=-figure_height)
    cell_width, lefts = _tight_cells(columns, figure_width, left.max(axis=0), right.max(axis=0), between_columns)
    cell_height, tops = _tight_cells(rows, figure_height, ends.max(axis=1), ends.max(axis=1), between_rows)
    widths, heights = _fitted_sizes(shapes, cell_width, cell_height, margin)
    x = lefts + (cell_width - widths * (1 + margin.share) - margin.inches) / 2
    y = tops[:, None] + (cell_height - heights) / 2
    return np.stack([x, y, widths, heights], axis=-1)


def _initial_cell_size(n: int, length: float, margins: tuple[float, float]) -> float:
    """Return the size of each of n cells along one axis, before the layout is tightened."""
    return length * (1 - sum(margins)) / (n + INITIAL_GAP * (n - 1))


def _tight_cells(n: int, length: float, before: Numbers, after: Numbers, between: float) -> tuple[float, Numbers]:
    """Return the size of each of n cells along one axis, and where they begin.

    Args:
        n: number of cells.
        length: length of the figure along the axis.
        before: how far each cell's content extends beyond its beginning.
        after: how far it extends beyond its end.
        between: the largest sum of the two for neighboring cells.
    """
    pad = min(PAD, length / n / 4)  # leaves space for the cells if there are very many
    start, end, gap = max(before[0], 0) + pad, max(after[-1], 0) + pad, between + pad
    cell = (length - start - end - gap * (n - 1)) / n
    return cell, start + (cell + gap) * np.arange(n)


def _fitted_sizes(shapes: Numbers, cell_width: float, cell_height: float, margin: RightMargin) -> tuple[Numbers, Numbers]:
    """Return the widths and heights (rows, columns) of images that fill their cells and keep their aspect ratio."""
    heights, widths = shapes[..., 0], shapes[..., 1]
    scale = np.minimum((cell_width - margin.inches) / (1 + margin.share) / widths, cell_height / heights)
    return widths * scale, heights * scale
