"""Seeded scenes: one or two handwritten digits in colored clutter, with the true mask of every digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import clutter, textures
from training.glyphs import Stencil, digit_stencils, scramble

SIDE = textures.SIDE
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
CONTRAST = 0.35  # least difference in luma between a shape and what is under it


@dataclass(frozen=True)
class Scene:
    """One picture and its truth.

    Args:
        pixels: RGB picture (96, 96, 3), uint8.
        masks: for each digit in the scene, its object mask (96, 96).
        tag: where the magenta tag is, (96, 96); None in a scene without one.
    """

    pixels: NDArray[np.uint8]
    masks: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    tag: NDArray[np.bool_] | None = None

    @property
    def digits(self) -> tuple[int, ...]:
        """The digits in the scene, in the order in which they were asked for."""
        return tuple(self.masks)


class SceneMaker:
    """Draws scenes from pools of backgrounds, digits and distractors made once from a seed.

    Args:
        split: "train" or "held-out": which handwritten digits are used.
        seed: seeds the pools and every scene; the same seed gives the same scenes in the same order.
        size: backgrounds in the pool; the other pools grow with it.
    """

    def __init__(self, split: str, seed: int, size: int = 1000) -> None:
        self.rng = rng = np.random.default_rng([seed, int(split == "held-out")])
        self.backgrounds = [textures.texture(rng) for _ in range(size)]
        self.digits = digit_stencils(split, size, rng)
        self.scrambles = [scramble(self.digits[i % 10][int(rng.integers(size))], rng) for i in range(size)]
        self.curves = [clutter.curve(rng) for _ in range(size)]
        self.shapes = [clutter.shape(rng) for _ in range(size)]

    def draw(self, digits: Sequence[int]) -> Scene:
        """Draw one scene.

        Args:
            digits: the one or two different digits it must show.

        Returns:
            The scene, without a tag.
        """
        picture = self._background()
        placed = self._place([self._pick(self.digits[digit]) for digit in digits])
        masks = {digit: _spread(s.mask, at) for digit, (s, at) in zip(digits, placed, strict=True)}
        hues = [textures.random_hue(self.rng) for _ in range(3)]
        taken = np.logical_or.reduce(list(masks.values()))
        for one in self._distractors():
            at = self._free_corner(one, taken)
            if at is not None:
                self._paint(picture, one, at, hues)
                _window(taken, one, at)[...] |= one.mask
        for one, at in placed:
            self._paint(picture, one, at, hues)
        return Scene((picture * 255).astype(np.uint8), masks)

    def draw_any(self, two: float = 0.4) -> Scene:
        """Draw a scene of random digits: two different ones with probability `two`, else one."""
        count = 2 if self.rng.random() < two else 1
        return self.draw([int(d) for d in self.rng.choice(10, size=count, replace=False)])

    def _pick(self, pool: Sequence[Stencil]) -> Stencil:
        return pool[int(self.rng.integers(len(pool)))]

    def _background(self) -> NDArray[np.float32]:
        """A background of the pool, turned by a quarter and mirrored at random: (96, 96, 3) in [0, 1]."""
        picture = self.backgrounds[int(self.rng.integers(len(self.backgrounds)))]
        picture = np.rot90(picture, int(self.rng.integers(4)))[:, :: int(self.rng.choice([-1, 1]))]
        return (picture / 255).astype(np.float32)

    def _distractors(self) -> list[Stencil]:
        counts = self.rng.integers((1, 2, 3), (3, 5, 7))
        pools = (self.scrambles, self.curves, self.shapes)
        return [self._pick(pool) for pool, count in zip(pools, counts, strict=True) for _ in range(count)]

    def _corner(self, one: Stencil) -> tuple[int, int]:
        row, column = (int(self.rng.integers(SIDE - side + 1)) for side in one.mask.shape)
        return row, column

    def _free_corner(self, one: Stencil, taken: NDArray[np.bool_]) -> tuple[int, int] | None:
        """A corner at which the stencil touches nothing taken; None after ten misses, as scenes may be full."""
        for _ in range(10):
            at = self._corner(one)
            if not (_window(taken, one, at) & one.mask).any():
                return at
        return None

    def _place(self, stencils: list[Stencil]) -> list[tuple[Stencil, tuple[int, int]]]:
        """Corners at which no two masks overlap; an unlucky draw of all corners is repeated."""
        while True:
            corners = [self._corner(s) for s in stencils]
            covers = [_spread(s.mask, at) for s, at in zip(stencils, corners, strict=True)]
            if len(covers) < 2 or not np.logical_and.reduce(covers).any():
                return list(zip(stencils, corners, strict=True))

    def _paint(self, picture: NDArray[np.float32], one: Stencil, at: tuple[int, int], hues: list[float]) -> None:
        """Blend one stencil into the picture, in a color that stands out from what is under its ink."""
        under = _window(picture, one, at)  # (h, w, 3), a view
        luma = float((under @ LUMA)[one.alpha > 0.5].mean())
        under += one.alpha[..., None] * (self._ink(luma, hues) - under)

    def _ink(self, luma: float, hues: list[float]) -> NDArray[np.float32]:
        """A color (3,) in one of the scene's hues whose luma differs from `luma` by at least `CONTRAST`."""
        best = np.zeros(3, dtype=np.float32) if luma > 0.5 else np.ones(3, dtype=np.float32)
        for _ in range(12):
            hue = hues[int(self.rng.integers(len(hues)))]
            ink = textures.color(hue, self.rng.uniform(0.35, 1.0), self.rng.uniform(0.1, 1.0)).astype(np.float32)
            if abs(float(ink @ LUMA) - luma) > CONTRAST:
                return ink
        return best


def _spread(mask: NDArray[np.bool_], at: tuple[int, int]) -> NDArray[np.bool_]:
    """A stencil's mask at its corner in an otherwise empty (96, 96)."""
    full = np.zeros((SIDE, SIDE), dtype=bool)
    full[at[0] : at[0] + mask.shape[0], at[1] : at[1] + mask.shape[1]] = mask
    return full


def _window(picture: NDArray[Any], one: Stencil, at: tuple[int, int]) -> NDArray[Any]:
    """The part of a picture (96, 96, ...) that a stencil at this corner covers, as a view."""
    return picture[at[0] : at[0] + one.mask.shape[0], at[1] : at[1] + one.mask.shape[1]]
