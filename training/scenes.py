"""Draw random scenes: one or two handwritten digits in colored clutter, with the mask of every digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import distractors, textures
from training.digit_stencils import Stencil, render_digit_stencils, scramble_digit

SIDE = textures.SIDE
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
CONTRAST = 0.35  # minimum difference in luma between a shape and the pixels it covers


@dataclass(frozen=True)
class Scene:
    """Hold an image and the masks of its objects.

    Args:
        pixels: RGB image (96, 96, 3), uint8.
        masks: digit -> its object mask (96, 96).
        tag: mask of the magenta tag (96, 96); None in a scene without one.
    """

    pixels: NDArray[np.uint8]
    masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    tag: NDArray[np.bool_] | None = None

    @property
    def digits(self) -> tuple[int, ...]:
        """The digits in the scene, in the order of the arguments of `SceneMaker.draw`."""
        return tuple(self.masks)


class SceneMaker:
    """Draw scenes from pools of backgrounds, digits and distractors.

    Args:
        split: split of the handwritten digits, "train" or "held-out".
        seed: random seed of the pools and scenes; the same seed gives the same scenes in the same order.
        size: number of backgrounds in the pool; the sizes of the other pools are proportional to it.
    """

    def __init__(self, split: str, seed: int, size: int = 1000) -> None:
        self.rng = rng = np.random.default_rng([seed, int(split == "held-out")])
        self.backgrounds = [textures.draw_texture(rng) for _ in range(size)]
        self.digits = render_digit_stencils(split, size, rng)
        self.scrambles = [scramble_digit(self.digits[i % 10][int(rng.integers(size))], rng) for i in range(size)]
        self.curves = [distractors.draw_curve(rng) for _ in range(size)]
        self.shapes = [distractors.draw_shape(rng) for _ in range(size)]

    def draw(self, digits: Sequence[int]) -> Scene:
        """Draw one scene.

        Args:
            digits: one digit, or two different ones.

        Returns:
            The scene, without a tag.
        """
        picture = self._background()
        placed = self._place_without_overlap([self._pick(self.digits[digit]) for digit in digits])
        masks = {digit: _place_mask(s.mask, corner) for digit, (s, corner) in zip(digits, placed, strict=True)}
        hues = [textures.random_hue(self.rng) for _ in range(3)]
        occupied = np.logical_or.reduce(list(masks.values()))
        for stencil in self._distractors():
            corner = self._find_free_corner(stencil, occupied)
            if corner is not None:
                self._paint_stencil(picture, stencil, corner, hues)
                _stencil_window(occupied, stencil, corner)[...] |= stencil.mask
        for stencil, corner in placed:
            self._paint_stencil(picture, stencil, corner, hues)
        return Scene((picture * 255).astype(np.uint8), masks)

    def draw_any(self, two: float = 0.4) -> Scene:
        """Draw a scene with random digits: two different ones with probability `two`, else one."""
        count = 2 if self.rng.random() < two else 1
        return self.draw([int(d) for d in self.rng.choice(10, size=count, replace=False)])

    def _pick(self, pool: Sequence[Stencil]) -> Stencil:
        return pool[int(self.rng.integers(len(pool)))]

    def _background(self) -> NDArray[np.float32]:
        """Choose a background, rotated by a multiple of 90 degrees and mirrored at random: (96, 96, 3) in [0, 1]."""
        picture = self.backgrounds[int(self.rng.integers(len(self.backgrounds)))]
        picture = np.rot90(picture, int(self.rng.integers(4)))[:, :: int(self.rng.choice([-1, 1]))]
        return (picture / 255).astype(np.float32)

    def _distractors(self) -> list[Stencil]:
        counts = self.rng.integers((1, 2, 3), (3, 5, 7))
        pools = (self.scrambles, self.curves, self.shapes)
        return [self._pick(pool) for pool, count in zip(pools, counts, strict=True) for _ in range(count)]

    def _random_corner(self, stencil: Stencil) -> tuple[int, int]:
        row, column = (int(self.rng.integers(SIDE - side + 1)) for side in stencil.mask.shape)
        return row, column

    def _find_free_corner(self, stencil: Stencil, occupied: NDArray[np.bool_]) -> tuple[int, int] | None:
        """Find a corner where the stencil overlaps nothing; return None after ten attempts, since a scene may be full."""
        for _ in range(10):
            corner = self._random_corner(stencil)
            if not (_stencil_window(occupied, stencil, corner) & stencil.mask).any():
                return corner
        return None

    def _place_without_overlap(self, stencils: list[Stencil]) -> list[tuple[Stencil, tuple[int, int]]]:
        """Draw corners of all stencils until no masks overlap."""
        while True:
            corners = [self._random_corner(s) for s in stencils]
            covers = [_place_mask(s.mask, corner) for s, corner in zip(stencils, corners, strict=True)]
            if len(covers) < 2 or not np.logical_and.reduce(covers).any():
                return list(zip(stencils, corners, strict=True))

    def _paint_stencil(
        self, picture: NDArray[np.float32], stencil: Stencil, corner: tuple[int, int], hues: list[float]
    ) -> None:
        """Blend a stencil into the image, in a color that contrasts with the covered pixels."""
        under = _stencil_window(picture, stencil, corner)  # (h, w, 3), a view
        luma = float((under @ LUMA)[stencil.alpha > 0.5].mean())
        under += stencil.alpha[..., None] * (self._contrasting_color(luma, hues) - under)

    def _contrasting_color(self, luma: float, hues: list[float]) -> NDArray[np.float32]:
        """Draw a color (3,) in one of the scene's hues whose luma differs from `luma` by at least `CONTRAST`."""
        fallback = np.zeros(3, dtype=np.float32) if luma > 0.5 else np.ones(3, dtype=np.float32)
        for _ in range(12):
            hue = hues[int(self.rng.integers(len(hues)))]
            color = textures.rgb_color(hue, self.rng.uniform(0.35, 1.0), self.rng.uniform(0.1, 1.0)).astype(np.float32)
            if abs(float(color @ LUMA) - luma) > CONTRAST:
                return color
        return fallback


def _place_mask(mask: NDArray[np.bool_], corner: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a stencil's mask at its corner in an otherwise empty (96, 96) mask."""
    full = np.zeros((SIDE, SIDE), dtype=bool)
    full[corner[0] : corner[0] + mask.shape[0], corner[1] : corner[1] + mask.shape[1]] = mask
    return full


def _stencil_window(picture: NDArray[Any], stencil: Stencil, corner: tuple[int, int]) -> NDArray[Any]:
    """Return a view of the part of an image (96, 96, ...) that a stencil at this corner covers."""
    return picture[corner[0] : corner[0] + stencil.mask.shape[0], corner[1] : corner[1] + stencil.mask.shape[1]]
