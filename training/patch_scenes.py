"""Training data of the vision transformer: views of scenes with the digit that covers each patch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saliency.nets.demo_vit import PATCH
from training.datasets import crop_view
from training.scenes import SIDE, Scene, SceneMaker

VIEWS = {48: 3, 64: 1, SIDE: 1}
"""Side of a view in pixels -> views of each scene. A small one has fewer tokens, so it takes a fraction of the time."""

COVERED_SHARE = 0.25  # a patch of which a digit's mask covers less, but not nothing, has no label
UNLABELED = -1


@dataclass(frozen=True)
class PatchDataset:
    """Hold views and their labels.

    Args:
        pixels: RGB views (N, side, side, 3), uint8.
        labels: (N, 10): 1 for a digit in the view, 0 for one that is not, NaN for one without a label.
        patches: (N, side / 8, side / 8), int8: 1 + the digit that covers a patch, 0 for none, -1 without a label.
    """

    pixels: Tensor
    labels: Tensor
    patches: Tensor


def make_patch_datasets(maker: SceneMaker, count: int) -> dict[int, PatchDataset]:
    """Draw scenes, and views of each around its first digit.

    Args:
        maker: draws the scenes.
        count: number of scenes.

    Returns:
        Side of the views -> their dataset; ``VIEWS`` has their number.
    """
    found = {side: _empty(count * views, side) for side, views in VIEWS.items()}
    for row in range(count):
        scene = maker.draw_any()
        for side, views in VIEWS.items():
            for at in range(row * views, (row + 1) * views):
                _write(found[side], at, *label_view(scene, side, maker.rng))
    return found


def label_view(
    scene: Scene, side: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8]]:
    """Crop a square view of a scene; return it with the labels of its digits (10,) and of its patches."""
    window, labels = crop_view(scene, side, rng)
    count = side // PATCH
    patches = np.zeros((count, count), dtype=np.int8)
    for digit, mask in scene.masks.items():
        covered = mask[window].reshape(count, PATCH, count, PATCH).mean(axis=(1, 3))
        patches[(covered > 0) & (patches == 0)] = UNLABELED
        patches[covered >= COVERED_SHARE] = digit + 1
    return scene.pixels[window], labels, patches


def _empty(count: int, side: int) -> PatchDataset:
    grid = side // PATCH
    pixels = torch.empty(count, side, side, 3, dtype=torch.uint8)
    return PatchDataset(pixels, torch.empty(count, 10), torch.empty(count, grid, grid, dtype=torch.int8))


def _write(dataset: PatchDataset, row: int, *arrays: NDArray[np.generic]) -> None:
    for tensor, array in zip((dataset.pixels, dataset.labels, dataset.patches), arrays, strict=True):
        tensor[row] = torch.from_numpy(array.copy())


def shuffled_batches(dataset: PatchDataset, epochs: int, size: int) -> Iterator[Tensor]:
    """Yield the rows of full batches in random order, from Torch's generator."""
    for _ in range(epochs):
        order = torch.randperm(len(dataset.pixels))
        yield from (rows for rows in order.split(size) if len(rows) == size)
