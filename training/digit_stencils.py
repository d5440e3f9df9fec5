"""Digit stencils: scikit-learn's 8 x 8 handwritten digits, resized smoothly to 26-40 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]
from sklearn.datasets import load_digits

HELD_OUT_EVERY = 5
INK_ALPHA = 0.25
DILATION = 2
MARGIN = 8  # empty cells around the 8 x 8 digit, so that rotation does not cut off a corner


@dataclass(frozen=True)
class Stencil:
    """Hold a shape to paint: `alpha` (h, w) in [0, 1], and `mask` (h, w), its ink dilated by two pixels."""

    alpha: NDArray[np.float32]
    mask: NDArray[np.bool_]


def make_stencil(alpha: NDArray[np.float32]) -> Stencil:
    """Make a stencil: crop to the ink, leave room for the dilation, and compute the object mask.

    Args:
        alpha: coverage (h, w) in [0, 1].

    Returns:
        The cropped stencil; its mask is the ink (alpha > 0.25) dilated by 2 pixels.
    """
    rows, columns = np.nonzero(alpha > 0.02)
    tight = alpha[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    padded = np.pad(tight, DILATION)
    return Stencil(padded, ndimage.binary_dilation(padded > INK_ALPHA, iterations=DILATION))


def load_digit_images(split: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Load the handwritten digits of one split; every fifth index is held out.

    Args:
        split: "train" or "held-out".

    Returns:
        Images (N, 8, 8) in [0, 1], and their labels (N,) from 0 to 9.

    Raises:
        ValueError: if `split` is another value.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI ML Repository, 1998.
    """
    if split not in ("train", "held-out"):
        raise ValueError(f"`split` (={split!r}) must be 'train' or 'held-out'")
    bunch = load_digits()
    held_out = np.arange(len(bunch.target)) % HELD_OUT_EVERY == 0
    selected = held_out if split == "held-out" else ~held_out
    return bunch.images[selected] / 16.0, bunch.target[selected]


def render_digit(image: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Resize one 8 x 8 digit by bicubic interpolation, with a small random rotation, slant and stroke width.

    Args:
        image: grayscale digit (8, 8) in [0, 1].
        rng: source of randomness.

    Returns:
        Coverage (h, w) in [0, 1]; the 8 rows become 26 to 40 pixels.
    """
    scale = rng.uniform(26, 40) / 8
    angle, slant, width = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(-0.12, 0.12), rng.uniform(0.9, 1.15)
    forward = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = scale * forward @ np.array([[width, slant], [0.0, 1.0]])
    inverse = np.linalg.inv(forward)
    side = int(np.ceil(scale * 12))
    padded = np.pad(image, MARGIN).astype(np.float32)
    shift = np.array([len(padded) / 2] * 2) - inverse @ np.array([side / 2] * 2)
    affine = (inverse[0, 0], inverse[0, 1], shift[0], inverse[1, 0], inverse[1, 1], shift[1])
    resized = Image.fromarray(padded).transform((side, side), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    threshold = rng.uniform(0.35, 0.48)
    return np.clip((np.asarray(resized) - threshold) / 0.22, 0, 1).astype(np.float32)


def render_digit_stencils(split: str, per_digit: int, rng: np.random.Generator) -> list[list[Stencil]]:
    """Render a pool of stencils for each digit.

    Args:
        split: "train" or "held-out".
        per_digit: stencils per digit class. They cycle through the handwritten digits of the class.
        rng: source of randomness.

    Returns:
        Ten lists of stencils, indexed by the digit.
    """
    images, labels = load_digit_images(split)
    pools = []
    for digit in range(10):
        of_digit = images[labels == digit]
        pools.append([make_stencil(render_digit(of_digit[i % len(of_digit)], rng)) for i in range(per_digit)])
    return pools


def scramble_digit(whole: Stencil, rng: np.random.Generator) -> Stencil:
    """Cut a digit into four quarters and rearrange them.

    Args:
        whole: the digit's stencil.
        rng: source of randomness.

    Returns:
        A stencil with the digit's strokes but not its shape.
    """
    height, width = (side // 2 for side in whole.alpha.shape)
    quarters = [whole.alpha[r : r + height, c : c + width] for r in (0, height) for c in (0, width)]
    # each order moves every quarter to the other column, since a 1 with only its rows swapped is still a 1;
    # quarters are not rotated, since rotating all of them turns a 6 into a 9 and leaves an 8 unchanged
    order = ((1, 0, 3, 2), (3, 2, 1, 0), (1, 2, 3, 0), (3, 0, 1, 2))[int(rng.integers(4))]
    moved = [quarters[i] for i in order]
    return make_stencil(np.block([[moved[0], moved[1]], [moved[2], moved[3]]]))
