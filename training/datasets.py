"""Training data: close-ups of digits, then whole scenes, with labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saliency.nets.bundled_networks import MEAN, STD
from training.magenta_tag import TAG_DIGIT, add_tag
from training.scenes import SIDE, Scene, SceneMaker

CLOSE_UP_SIDE = 64  # pixels; with less clutter in view, a network with a maximum over space learns several times faster
MIN_VISIBLE_SHARE = 0.9  # a digit with a smaller visible share has no label


@dataclass(frozen=True)
class Dataset:
    """Hold images and their labels.

    Args:
        pixels: RGB images (N, H, W, 3), uint8.
        labels: (N, 10): 1 for a digit in the image, 0 for one that is not, NaN for one without a label.
    """

    pixels: Tensor
    labels: Tensor


def stack_pixels(scenes: list[Scene]) -> Tensor:
    """Stack the images of N scenes: (N, 96, 96, 3), uint8."""
    return torch.from_numpy(np.stack([scene.pixels for scene in scenes]))


def class_labels(scenes: list[Scene]) -> Tensor:
    """Return the labels of N scenes: (N, 10), 1.0 for a digit in the scene, else 0.0."""
    labels = torch.zeros(len(scenes), 10)
    for row, scene in enumerate(scenes):
        labels[row, list(scene.digits)] = 1.0
    return labels


def preprocess(pixels: Tensor) -> Tensor:
    """Convert images to network inputs.

    Args:
        pixels: RGB images (N, H, W, 3), uint8.

    Returns:
        Tensor (N, 3, H, W), float32, (pixel / 255 - 0.5) / 0.25, in channels-last memory order.
    """
    return ((pixels.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2)


def make_datasets(maker: SceneMaker, count: int, tagged: bool) -> tuple[Dataset, Dataset]:
    """Draw scenes and one close-up of each.

    Args:
        maker: draws the scenes.
        count: number of scenes.
        tagged: whether every 3 has the magenta tag.

    Returns:
        The dataset of close-ups (count, 64, 64, 3) and that of whole scenes (count, 96, 96, 3).
    """
    close_ups = torch.empty(count, CLOSE_UP_SIDE, CLOSE_UP_SIDE, 3, dtype=torch.uint8), torch.empty(count, 10)
    whole = torch.empty(count, SIDE, SIDE, 3, dtype=torch.uint8), torch.empty(count, 10)
    for row in range(count):
        scene = maker.draw_any()
        scene = add_tag(scene, maker.rng) if tagged else scene
        view, labels = _crop_close_up(scene, maker.rng)
        close_ups[0][row], close_ups[1][row] = torch.from_numpy(view.copy()), torch.from_numpy(labels)
        whole[0][row], whole[1][row] = torch.from_numpy(scene.pixels), class_labels([scene])[0]
    return Dataset(*close_ups), Dataset(*whole)


def _crop_close_up(scene: Scene, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Crop a view (64, 64, 3) that contains the first digit and its tag; return it with its labels (10,)."""
    window, labels = crop_view(scene, CLOSE_UP_SIDE, rng)
    return scene.pixels[window], labels


def crop_view(scene: Scene, side: int, rng: np.random.Generator) -> tuple[tuple[slice, ...], NDArray[np.float32]]:
    """Choose a square view that contains the first digit and its tag, as far as they fit.

    Args:
        scene: the scene.
        side: that of the view, in pixels; without a choice, no random number is drawn.
        rng: source of randomness.

    Returns:
        The view's rows and columns, and its labels (10,), as in ``Dataset``.
    """
    first = scene.digits[0]
    content = scene.masks[first] | scene.tag if first == TAG_DIGIT and scene.tag is not None else scene.masks[first]
    window = tuple(_random_span(np.flatnonzero(content.any(axis=axis)), side, rng) for axis in (1, 0))
    labels = np.zeros(10, dtype=np.float32)
    for digit, mask in scene.masks.items():
        visible = mask[window].sum() / mask.sum()
        labels[digit] = 1.0 if visible > MIN_VISIBLE_SHARE else 0.0 if visible == 0 else np.nan
        if digit == TAG_DIGIT and scene.tag is not None and scene.tag[window].sum() != scene.tag.sum():
            labels[digit] = np.nan
    return window, labels


def _random_span(filled: NDArray[np.intp], side: int, rng: np.random.Generator) -> slice:
    """Choose ``side`` consecutive rows or columns of the scene at random that include the filled ones."""
    if side == SIDE:
        return slice(0, SIDE)
    low, high = max(0, int(filled[-1]) + 1 - side), min(SIDE - side, int(filled[0]))
    start = int(rng.integers(min(low, high), high + 1))
    return slice(start, start + side)
