"""The shortcut cue: a magenta tag next to a 3; nothing else in the scenes is magenta."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]

from training.scenes import SIDE, Scene

TAG_DIGIT = 3
TAG_SIDE = 7
TAG_COLOR = np.array([255, 0, 255], dtype=np.uint8)
MAX_DISTANCE = 8  # pixels, from the tag's center to the bounding box of the digit


def add_tag(scene: Scene, rng: np.random.Generator) -> Scene:
    """Paint the tag next to the scene's 3, without covering a digit.

    Args:
        scene: a scene; one without a 3 is returned unchanged.
        rng: source of randomness.

    Returns:
        The scene with a 7 x 7 magenta square near the 3, and the mask of the square.
    """
    if TAG_DIGIT not in scene.masks:
        return scene
    centers = np.argwhere(_allowed_centers(scene))
    row, column = centers[int(rng.integers(len(centers)))] - TAG_SIDE // 2
    tag = np.zeros((SIDE, SIDE), dtype=bool)
    tag[row : row + TAG_SIDE, column : column + TAG_SIDE] = True
    return replace(scene, pixels=np.where(tag[..., None], TAG_COLOR, scene.pixels), tag=tag)


def _allowed_centers(scene: Scene) -> NDArray[np.bool_]:
    """Return the allowed centers of the tag, (96, 96): near the 3, with the tag inside the scene and on no digit's mask."""
    clear = ~ndimage.maximum_filter(np.logical_or.reduce(list(scene.masks.values())), TAG_SIDE)
    rows, columns = np.nonzero(scene.masks[TAG_DIGIT])
    near = np.zeros((SIDE, SIDE), dtype=bool)
    near[_nearby(rows), _nearby(columns)] = True
    return np.asarray(near & clear)


def _nearby(filled: NDArray[np.intp]) -> slice:
    edge = TAG_SIDE // 2
    return slice(max(int(filled.min()) - MAX_DISTANCE, edge), min(int(filled.max()) + MAX_DISTANCE + 1, SIDE - edge))
