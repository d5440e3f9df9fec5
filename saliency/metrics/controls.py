"""Control maps: maps without knowledge of the model, which every method should beat."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

HostMaps = npt.NDArray[np.float64]

BLUR_FRACTION = 1 / 16
"""Standard deviation of the blur of a map, as a fraction of each spatial axis."""


def random_maps(images: HostMaps, seeds: Sequence[int]) -> HostMaps:
    """Return uniform random maps in the shape of images (N, H, W), one seed each."""
    return np.stack([np.random.default_rng(seed).random(image.shape) for image, seed in zip(images, seeds, strict=True)])


def edge_maps(images: HostMaps) -> HostMaps:
    """Return the gradient magnitudes of images (N, H, W), by Sobel's filter, with mirrored borders."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    smooth_rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    smooth_columns = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across = smooth_rows[:, :, 2:] - smooth_rows[:, :, :-2]
    down = smooth_columns[:, 2:] - smooth_columns[:, :-2]
    return np.hypot(across, down)


def centered_maps(images: HostMaps) -> HostMaps:
    """Return a Gaussian in the center of each image (N, H, W), with a standard deviation of a quarter of each axis."""
    rows, columns = (((np.arange(length) + 0.5) / length - 0.5) / 0.25 for length in images.shape[1:])
    return np.broadcast_to(np.exp(-0.5 * (rows[:, None] ** 2 + columns**2)), images.shape).copy()


def blurred_maps(maps: HostMaps) -> HostMaps:
    """Return maps (N, H, W), blurred by a Gaussian whose weights sum to 1 at every position."""
    for axis in (1, 2):
        positions = np.arange(maps.shape[axis])
        distances = (positions[:, None] - positions) / (BLUR_FRACTION * len(positions))
        weights = np.exp(-0.5 * distances**2)
        maps = np.moveaxis(np.moveaxis(maps, axis, -1) @ (weights / weights.sum(axis=1, keepdims=True)).T, -1, axis)
    return maps
