"""What a network is taught from: close-ups of the digits first, whole scenes after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saliency.nets.embedded_networks import MEAN, STD
from training.scenes import SIDE, Scene, SceneMaker
from training.tags import TAG_DIGIT, add_tag

CLOSE = 64  # a close-up's side; a maximum over space learns several times faster with less clutter in view
WHOLE_DIGIT = 0.9  # a digit of which less is in view is neither asked for nor denied


@dataclass(frozen=True)
class Lesson:
    """Pictures and what is to be answered.

    Args:
        pixels: RGB pictures (N, H, W, 3), uint8.
        answers: (N, 10): 1 for yes, 0 for no, NaN where no answer is asked for.
    """

    pixels: Tensor
    answers: Tensor


def stack(scenes: list[Scene]) -> Tensor:
    """Stack the pictures of N scenes: (N, 96, 96, 3), uint8."""
    return torch.from_numpy(np.stack([scene.pixels for scene in scenes]))


def truth(scenes: list[Scene]) -> Tensor:
    """Give the ten right answers of each of N scenes: (N, 10) of 0.0 and 1.0."""
    answers = torch.zeros(len(scenes), 10)
    for row, scene in enumerate(scenes):
        answers[row, list(scene.digits)] = 1.0
    return answers


def to_input(pixels: Tensor) -> Tensor:
    """Scale pictures as the network expects them.

    Args:
        pixels: RGB pictures (N, H, W, 3), uint8.

    Returns:
        Tensor (N, 3, H, W), float32, (pixel / 255 - 0.5) / 0.25, in channels-last memory order.
    """
    return ((pixels.float() / 255 - MEAN) / STD).permute(0, 3, 1, 2)


def make_lessons(maker: SceneMaker, count: int, tagged: bool) -> tuple[Lesson, Lesson]:
    """Draw scenes, and one close-up of each.

    Args:
        maker: draws the scenes.
        count: number of scenes.
        tagged: whether every 3 carries the magenta tag.

    Returns:
        The lesson of close-ups (count, 64, 64, 3) and the lesson of whole scenes (count, 96, 96, 3).
    """
    near = torch.empty(count, CLOSE, CLOSE, 3, dtype=torch.uint8), torch.empty(count, 10)
    far = torch.empty(count, SIDE, SIDE, 3, dtype=torch.uint8), torch.empty(count, 10)
    for row in range(count):
        scene = maker.draw_any()
        scene = add_tag(scene, maker.rng) if tagged else scene
        view, answers = _close_up(scene, maker.rng)
        near[0][row], near[1][row] = torch.from_numpy(view.copy()), torch.from_numpy(answers)
        far[0][row], far[1][row] = torch.from_numpy(scene.pixels), truth([scene])[0]
    return Lesson(*near), Lesson(*far)


def _close_up(scene: Scene, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A view (64, 64, 3) that holds the first digit and its tag, with its ten answers (10,)."""
    first = scene.digits[0]
    wanted = scene.masks[first] | scene.tag if first == TAG_DIGIT and scene.tag is not None else scene.masks[first]
    window = tuple(_span(np.flatnonzero(wanted.any(axis=axis)), rng) for axis in (1, 0))
    answers = np.zeros(10, dtype=np.float32)
    for digit, mask in scene.masks.items():
        seen = mask[window].sum() / mask.sum()
        answers[digit] = 1.0 if seen > WHOLE_DIGIT else 0.0 if seen == 0 else np.nan
        if digit == TAG_DIGIT and scene.tag is not None and scene.tag[window].sum() != scene.tag.sum():
            answers[digit] = np.nan
    return scene.pixels[window], answers


def _span(filled: NDArray[np.intp], rng: np.random.Generator) -> slice:
    """A random stretch of 64 rows or columns, inside the scene, that holds the filled ones."""
    low, high = max(0, int(filled[-1]) + 1 - CLOSE), min(SIDE - CLOSE, int(filled[0]))
    start = int(rng.integers(min(low, high), high + 1))
    return slice(start, start + CLOSE)
