"""Where the pictures of a figure stand: in a grid, each as large as it can be, as Matplotlib's ``tight_layout`` has them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PAD = 0.15  # inches between pictures and around them
LABEL = 0.2  # inches that a row's label takes beside its first picture
BEGINNING = {"columns": (0.125, 0.1), "rows": (0.12, 0.11)}  # margins as shares, from which pictures are moved to the borders
BETWEEN = 0.2  # then, as a share of a picture's place


@dataclass(frozen=True)
class Beside:
    """What stands at the right of every picture.

    Args:
        share: of the picture's width.
        room: in inches, beyond that.
    """

    share: float = 0.0
    room: float = 0.0


def places(size: tuple[float, float], shapes: Numbers, beside: Beside) -> Numbers:
    """Return where pictures stand.

    Args:
        size: width and height of the figure in inches.
        shapes: (rows, columns, 2), the pictures' heights and widths in any unit.
        beside: what stands at their right.

    Returns:
        (rows, columns, 4): left, top, width and height in inches, from the figure's upper left corner.
    """
    rows, columns = shapes.shape[:2]
    width, height = size
    across, down = _begun(columns, width, BEGINNING["columns"]), _begun(rows, height, BEGINNING["rows"])
    wide, high = _fitted(shapes, across, down, beside)
    sides = (wide * (1 + beside.share) + beside.room - across) / 2  # (rows, columns); below 0 where a place is not filled
    left, ends = sides.copy(), (high - down) / 2
    left[:, 0] += LABEL
    across, starts = _tight(
        columns, width, left.max(axis=0), sides.max(axis=0), (sides[:, :-1] + left[:, 1:]).max(initial=-width)
    )
    down, tops = _tight(rows, height, ends.max(axis=1), ends.max(axis=1), (ends[:-1] + ends[1:]).max(initial=-height))
    wide, high = _fitted(shapes, across, down, beside)
    x = starts + (across - wide * (1 + beside.share) - beside.room) / 2
    y = tops[:, None] + (down - high) / 2
    return np.stack([x, y, wide, high], axis=-1)


def _begun(n: int, length: float, margins: tuple[float, float]) -> float:
    """Return how long each of n places is at the beginning."""
    return length * (1 - sum(margins)) / (n + BETWEEN * (n - 1))


def _tight(n: int, length: float, before: Numbers, behind: Numbers, between: float) -> tuple[float, Numbers]:
    """Return how long each of n places is, and where they begin, if what is drawn goes beyond them so far."""
    pad = min(PAD, length / n / 4)  # of very many, something is left
    start, end, gap = max(before[0], 0) + pad, max(behind[-1], 0) + pad, between + pad
    each = (length - start - end - gap * (n - 1)) / n
    return each, start + (each + gap) * np.arange(n)


def _fitted(shapes: Numbers, across: float, down: float, beside: Beside) -> tuple[Numbers, Numbers]:
    """Return the widths and heights (rows, columns) of pictures that fill their places without being distorted."""
    high, wide = shapes[..., 0], shapes[..., 1]
    scale = np.minimum((across - beside.room) / (1 + beside.share) / wide, down / high)
    return wide * scale, high * scale
