"""Objects in images, as masks or as boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.validation import shown
from saliency.metrics.map_reading import Maps


def object_mask(objects: Any, i: int, space: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Return the positions of an object.

    Args:
        objects: for each image a mask (H, W), true or nonzero on the object; or a box (x0, y0, x1, y1) in pixels, or several
            boxes (boxes, 4). A box covers the columns x0 <= column < x1 and the rows y0 <= row < y1.
        i: the image.
        space: height and width of its map.

    Returns:
        (H, W).

    Raises:
        InputError: if the object has another form, or a box is outside of the image.
    """
    values = np.asarray(objects[i])
    if values.dtype.kind not in "buif" or not np.isfinite(values).all():
        raise InputError(f"`objects[{i}]` (dtype {values.dtype}) must be a mask or boxes of finite numbers")
    if values.shape == tuple(space):
        return np.asarray(values != 0)
    boxes = np.atleast_2d(values)
    if boxes.shape[-1] != 4 or boxes.ndim != 2:
        raise InputError(
            f"`objects[{i}]` (shape {values.shape}) must be a mask of the map's shape {tuple(space)}, or boxes "
            "(x0, y0, x1, y1)"
        )
    mask = np.zeros(tuple(space), bool)
    for box in boxes:
        mask |= _inside(box, i, space)
    return mask


def _inside(box: npt.NDArray[Any], i: int, space: Sequence[int]) -> npt.NDArray[np.bool_]:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    if not (0 <= x0 <= x1 <= space[1] and 0 <= y0 <= y1 <= space[0]):
        raise InputError(
            f"`objects[{i}]`: the box {shown(box.tolist())} must satisfy 0 <= x0 <= x1 <= {space[1]} and "
            f"0 <= y0 <= y1 <= {space[0]}"
        )
    rows, columns = np.arange(space[0])[:, None], np.arange(space[1])
    return np.asarray((rows >= y0) & (rows < y1) & (columns >= x0) & (columns < x1))


def maps_and_objects(masks: Any, objects: Any) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
    """Return each map (H, W) with the mask of its object.

    Args:
        masks: maps (N, H, W).
        objects: see ``object_mask``.

    Raises:
        InputError: if the numbers differ, or one of them has no valid form.
    """
    maps = Maps.of(masks, len(objects), "objects")
    pairs = []
    for i in range(len(objects)):
        image = maps.plane(i)
        pairs.append((image, object_mask(objects, i, image.shape)))
    return pairs


def dilate(mask: npt.NDArray[np.bool_], radius: float) -> npt.NDArray[np.bool_]:
    """Return the positions of an image (H, W) whose distance from a true position is at most ``radius`` pixels."""
    height, width = mask.shape
    radius = min(radius, float(height + width))
    found = np.zeros_like(mask)
    for shift in range(-min(int(radius), height - 1), min(int(radius), height - 1) + 1):
        reach = int((radius**2 - shift**2) ** 0.5)
        rows = mask[max(0, -shift) : height - max(0, shift)]
        sums = np.pad(np.cumsum(rows, axis=1), ((0, 0), (1, 0)))  # sums[:, c]: the true positions before column c
        ends = np.clip(np.arange(width) + reach + 1, 0, width), np.clip(np.arange(width) - reach, 0, width)
        found[max(0, shift) : height - max(0, -shift)] |= sums[:, ends[0]] > sums[:, ends[1]]
    return found
