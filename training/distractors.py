"""Distractors: curves and small shapes with edges as strong as those of digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.digit_stencils import Stencil, make_stencil

SUPERSAMPLING = 4  # draw at four times the size and average down, for smooth edges


def _draw_stencil(side: int, paint: Callable[[ImageDraw.ImageDraw], None]) -> Stencil:
    """Run `paint` on a canvas of side * FINE and average it down to a stencil."""
    canvas = Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING))
    paint(ImageDraw.Draw(canvas))
    enlarged = np.asarray(canvas, dtype=np.float32) / 255
    return make_stencil(enlarged.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING).mean(axis=(1, 3)))


def draw_curve(rng: np.random.Generator) -> Stencil:
    """Draw an open stroke: a cubic Bezier curve 2 to 4.5 pixels wide in a box of 18 to 46 pixels.

    Args:
        rng: source of randomness.

    Returns:
        The stroke's stencil.
    """
    side, width = int(rng.integers(18, 47)), float(rng.uniform(2, 4.5))
    knots = rng.uniform(width, side - width, (4, 2)) * SUPERSAMPLING
    # the curve runs across the box, since a vertical bar would be a 1
    knots[0, 0], knots[3, 0] = width * SUPERSAMPLING, (side - width) * SUPERSAMPLING
    t = np.linspace(0, 1, 60)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])  # (60, 4)
    points = weights @ knots

    def paint(draw: ImageDraw.ImageDraw) -> None:
        radius = width * SUPERSAMPLING / 2
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        draw.line([(float(x), float(y)) for x, y in points], fill=255, width=int(2 * radius))

    return _draw_stencil(side, paint)


def draw_shape(rng: np.random.Generator) -> Stencil:
    """Draw a small shape of 6 to 14 pixels: a polygon with 3 to 6 corners, a disc, a cross or a star.

    Args:
        rng: source of randomness.

    Returns:
        The shape's stencil.
    """
    side = int(rng.integers(6, 15))
    kind = rng.choice(["polygon", "disc", "star", "cross"])
    corners = int(rng.integers(3, 7)) if kind != "cross" else 4
    outline = _outline(kind, corners, rng.uniform(0, 2 * np.pi)) * side * SUPERSAMPLING / 2 + side * SUPERSAMPLING / 2
    points = [(float(x), float(y)) for x, y in outline]
    return _draw_stencil(side, lambda draw: draw.polygon(points, fill=255))


def _outline(kind: str, corners: int, angle: float) -> NDArray[np.float64]:
    """Return the corners (n, 2) of a shape in the unit circle; stars and crosses alternate outer and inner corners."""
    if kind == "disc":
        corners = 24
    inner_radius = {"star": 0.45, "cross": 0.3}.get(str(kind))
    count = corners if inner_radius is None else 2 * corners
    angles = angle + 2 * np.pi * np.arange(count) / count
    radius = np.ones(count)
    if inner_radius is not None:
        radius[1::2] = inner_radius
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
