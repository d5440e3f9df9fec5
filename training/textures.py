"""Colored backgrounds from formulas: no image is downloaded, so no license applies."""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SIDE = 96
MAGENTA_HUES = (0.74, 0.93)  # not used in backgrounds, so that only the tag is magenta
HUES = (0.0, 0.05, 0.1, 0.15, 0.3, 0.46, 0.53, 0.6, 0.68)  # red to violet; evenly spaced hues would be mostly green

Field = NDArray[np.float64]


def random_hue(rng: np.random.Generator) -> float:
    """Draw a hue near one of `HUES`, hence outside `MAGENTA_HUES`.

    Args:
        rng: source of randomness.

    Returns:
        A hue in [0, 1), where 0 is red; never inside `MAGENTA_HUES`.
    """
    return float((rng.choice(HUES) + rng.uniform(-0.03, 0.03)) % 1.0)


def rgb_color(hue: float, saturation: float, value: float) -> Field:
    """Convert hue, saturation and value, each in [0, 1], to an RGB color in [0, 1] of shape (3,)."""
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def _rotated_coordinates(rng: np.random.Generator) -> tuple[Field, Field]:
    """Return coordinates along randomly rotated axes, in roughly [-1, 1], each (96, 96)."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    return np.cos(angle) * columns + np.sin(angle) * rows, np.cos(angle) * rows - np.sin(angle) * columns


def _gradient(rng: np.random.Generator) -> Field:
    along, across = _rotated_coordinates(rng)
    radius = np.hypot(along - rng.uniform(-1, 1), across - rng.uniform(-1, 1))
    return along if rng.random() < 0.5 else radius


def _plasma(rng: np.random.Generator) -> Field:
    along, across = _rotated_coordinates(rng)
    bend = np.sin(rng.uniform(2, 6) * across + rng.uniform(0, 6))
    waves = [np.sin(rng.uniform(3, 14) * along + rng.uniform(0.5, 2.5) * bend + rng.uniform(0, 6)) for _ in range(2)]
    return waves[0] + 0.6 * waves[1] + 0.5 * np.sin(rng.uniform(4, 12) * across)


def _clouds(rng: np.random.Generator) -> Field:
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.fft2(rng.standard_normal((SIDE, SIDE))) / frequency ** rng.uniform(1.1, 2.2)
    return np.asarray(np.real(np.fft.ifft2(spectrum)))


def _checks(rng: np.random.Generator) -> Field:
    along, across = _rotated_coordinates(rng)
    pitch = rng.uniform(8, 20)
    stripes = np.sin(pitch * along)
    pattern = stripes * np.sin(pitch * across) if rng.random() < 0.5 else stripes
    return np.tanh(rng.uniform(1.5, 6) * pattern)


def _cells(rng: np.random.Generator) -> Field:
    along, across = _rotated_coordinates(rng)
    centers = rng.uniform(-1.4, 1.4, (int(rng.integers(12, 40)), 2))
    squared = (along[..., None] - centers[:, 0]) ** 2 + (across[..., None] - centers[:, 1]) ** 2  # (96, 96, cells)
    nearest = squared.argmin(axis=-1)
    flat = rng.uniform(0, 1, len(centers))[nearest]
    distance = np.hypot(along - centers[nearest, 0], across - centers[nearest, 1])
    return np.asarray(flat if rng.random() < 0.5 else np.sqrt(distance))


PATTERNS: tuple[Callable[[np.random.Generator], Field], ...] = (_gradient, _plasma, _clouds, _checks, _cells)


def _palette(rng: np.random.Generator) -> Field:
    """Draw three neighboring colors of similar brightness: (3 colors, 3 channels)."""
    hue, spread = random_hue(rng), rng.uniform(0.02, 0.07)
    middle = rng.choice([0.22, 0.35, 0.6, 0.85])
    swing = rng.uniform(0.08, 0.16)
    hues = [hue - spread, hue, hue + spread]
    safe = [hue if MAGENTA_HUES[0] < h % 1.0 < MAGENTA_HUES[1] else h for h in hues]
    values = np.clip(middle + swing * np.array([-1.0, 0.0, 1.0]), 0.05, 1.0)
    return np.stack([rgb_color(h, rng.uniform(0.2, 0.55), float(v)) for h, v in zip(safe, values, strict=True)])


def draw_texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one background: two random patterns, mixed and mapped to a palette of three colors.

    Args:
        rng: source of randomness.

    Returns:
        RGB image (96, 96, 3), uint8.
    """
    first, second = rng.choice(len(PATTERNS), size=2)
    mix = rng.uniform(0.0, 0.5)
    field = (1 - mix) * _scale_to_unit_range(PATTERNS[first](rng)) + mix * _scale_to_unit_range(PATTERNS[second](rng))
    field = _scale_to_unit_range(field)[..., None]  # (96, 96, 1)
    dark, middle, light = _palette(rng)
    lower, upper = np.minimum(field * 2, 1), np.maximum(field * 2 - 1, 0)
    picture = dark + (middle - dark) * lower + (light - middle) * upper
    return np.asarray(np.clip(picture, 0, 1) * 255, dtype=np.uint8)


def _scale_to_unit_range(field: Field) -> Field:
    return np.asarray((field - field.min()) / max(float(np.ptp(field)), 1e-9))
