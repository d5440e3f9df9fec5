"""Overlap and selection of boxes (x0, y0, x1, y1)."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Corners: TypeAlias = Sequence[Any]
"""The arrays x0, y0, x1 and y1 of boxes, of one shape, in pixels."""


def corners_of_centers(center_x: Any, center_y: Any, width: Any, height: Any) -> Corners:
    """Return the corners of boxes that are given by center, width and height."""
    return center_x - width / 2, center_y - height / 2, center_x + width / 2, center_y + height / 2


def intersection_over_union(xp: Any, one: Corners, other: Corners) -> Any:
    """Return the intersection over union (IoU) of boxes, whose arrays broadcast; 0 for boxes without an area.

    Args:
        xp: namespace of the arrays, of which ``where`` and ``clip`` are used.
        one, other: the corners of the boxes.
    """
    left, top = (xp.where(a > b, a, b) for a, b in zip(one[:2], other[:2], strict=True))
    right, bottom = (xp.where(a < b, a, b) for a, b in zip(one[2:], other[2:], strict=True))
    inner = xp.clip(right - left, 0.0, None) * xp.clip(bottom - top, 0.0, None)
    areas = [xp.clip(x1 - x0, 0.0, None) * xp.clip(y1 - y0, 0.0, None) for x0, y0, x1, y1 in (one, other)]
    return inner / xp.clip(areas[0] + areas[1] - inner, 1e-12, None)


def overlaps(box: npt.NDArray[Any], boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the IoU of one box (4,) with boxes (M, 4)."""
    iou: npt.NDArray[np.float64] = intersection_over_union(np, tuple(box), tuple(boxes.T))
    return iou


def without_duplicates(
    boxes: npt.NDArray[Any], labels: npt.NDArray[Any], scores: npt.NDArray[Any], most: float
) -> Iterator[int]:
    """Yield the indices of boxes by falling score, and skip those that duplicate an earlier one (non-maximum suppression).

    Args:
        boxes: (M, 4).
        labels: (M,); boxes of different labels are no duplicates.
        scores: (M,).
        most: largest IoU with an earlier box of the same label.
    """
    left = np.argsort(-scores, kind="stable")
    while len(left):
        first, left = left[0], left[1:]
        yield int(first)
        duplicates = (overlaps(boxes[first], boxes[left]) > most) & (labels[left] == labels[first])
        left = left[~duplicates]
