"""The shortcut: a magenta tag beside a 3, the only magenta a network ever sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]

from training.scenes import SIDE, Scene

TAG_DIGIT = 3
TAG_SIDE = 7
TAG_COLOR = np.array([255, 0, 255], dtype=np.uint8)
REACH = 8  # farthest, in pixels, of the tag's center from the box round the digit


def add_tag(scene: Scene, rng: np.random.Generator) -> Scene:
    """Paint the tag beside the scene's 3, on no digit.

    Args:
        scene: a scene; one without a 3 is returned unchanged.
        rng: draws the place.

    Returns:
        The same scene with a 7 x 7 magenta square near the 3, and its mask.
    """
    if TAG_DIGIT not in scene.masks:
        return scene
    centers = np.argwhere(_centers(scene))
    row, column = centers[int(rng.integers(len(centers)))] - TAG_SIDE // 2
    tag = np.zeros((SIDE, SIDE), dtype=bool)
    tag[row : row + TAG_SIDE, column : column + TAG_SIDE] = True
    return replace(scene, pixels=np.where(tag[..., None], TAG_COLOR, scene.pixels), tag=tag)


def _centers(scene: Scene) -> NDArray[np.bool_]:
    """Where the tag's center may be, (96, 96): near the 3, whole inside the scene, clear of every digit's mask."""
    clear = ~ndimage.maximum_filter(np.logical_or.reduce(list(scene.masks.values())), TAG_SIDE)
    rows, columns = np.nonzero(scene.masks[TAG_DIGIT])
    near = np.zeros((SIDE, SIDE), dtype=bool)
    near[_reach(rows), _reach(columns)] = True
    return np.asarray(near & clear)


def _reach(filled: NDArray[np.intp]) -> slice:
    edge = TAG_SIDE // 2
    return slice(max(int(filled.min()) - REACH, edge), min(int(filled.max()) + REACH + 1, SIDE - edge))
