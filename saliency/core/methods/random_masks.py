"""The random masks of RISE, sums over them, and their covariances."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.numerics.resampling import apply_along_axis, interpolation_matrix
from saliency.core.validation import as_real, shown, whole_number

Floats = npt.NDArray[np.float64]

MAX_CELLS = 4096
"""The largest number of cells along an axis; the masks would be noise of single pixels long before."""

MAX_FEATURES = 256
"""The largest number of features of a mask; the regression's normal equations have this size."""


class Draws(NamedTuple):
    """Grids of zeros and ones (masks, *cells), and shifts (masks, axes) in positions."""

    grids: Floats
    shifts: npt.NDArray[np.int64]


class RandomMasks:
    """Random masks: a coarse grid of zeros and ones, enlarged linearly and shifted by a part of a cell.

    Given its shift, a mask is linear in the cells of its grid, which are independent. So a position is visible with
    probability ``keep`` on average, and covariances of masks are products over the axes.

    Args:
        lengths: lengths of the spatial axes.
        cells: number of cells along each axis.
        keep: probability that a cell is visible.

    Raises:
        InputError: if ``cells`` or ``keep`` is out of range.
    """

    def __init__(self, lengths: list[int], cells: int, keep: Any) -> None:
        cells = whole_number("cells", cells, least=1, most=MAX_CELLS)
        if not 0 < (as_real(keep) or 0.0) < 1:
            raise InputError(f"`keep` (={shown(keep)}) must be a number between 0 and 1 (exclusive)")
        self.lengths, self.cells, self.keep = lengths, cells, float(keep)
        self.cell_widths = [math.ceil(length / cells) for length in lengths]  # in positions
        self.enlarge = [interpolation_matrix(cells, (cells + 1) * width) for width in self.cell_widths]

    def draw(self, seeds: Sequence[int]) -> Draws:
        """Draw one mask from each seed."""
        grids, shifts = [], []
        for random in map(np.random.default_rng, seeds):
            grids.append(random.random([self.cells] * len(self.lengths)) < self.keep)
            shifts.append([int(random.integers(width)) for width in self.cell_widths])
        return Draws(np.array(grids, np.float64), np.array(shifts, np.int64))

    def render(self, draws: Draws) -> Floats:
        """Return the masks (masks, *lengths), between 0 and 1."""
        masks = []
        for mask, shifts in zip(*draws, strict=True):
            for axis, (shift, length) in enumerate(zip(shifts, self.lengths, strict=True)):
                mask = apply_along_axis(np, self.enlarge[axis][shift : shift + length], mask, axis)
            masks.append(mask)
        return np.stack(masks)

    def windows(self, axis: int) -> Floats:
        """Return the matrix of each shift along an axis, (shifts, length, cells)."""
        length = self.lengths[axis]
        return np.stack([self.enlarge[axis][shift : shift + length] for shift in range(self.cell_widths[axis])])


class MaskSum:
    """A weighted sum of masks for each of N inputs, without rendering the masks.

    Masks of equal shifts are linear in their grids, so the grids are added up by shift.
    """

    def __init__(self, masks: RandomMasks, n: int) -> None:
        self.masks = masks
        self._grids = np.zeros((n, *masks.cell_widths, *[masks.cells] * len(masks.lengths)))

    def add(self, draws: Draws, weights: Floats) -> None:
        """Add masks with weights (masks, N)."""
        axes = draws.grids.ndim - 1
        for grids, own in zip(self._grids, weights.T, strict=True):
            np.add.at(grids, tuple(draws.shifts.T), own.reshape(-1, *[1] * axes) * draws.grids)

    def total(self) -> Floats:
        """Return the sum (N, *lengths)."""
        total, axes = self._grids, len(self.masks.lengths)
        for axis in range(axes):  # (N, *shifts, *cells, *lengths): the first shift and cells become the last length
            total = np.tensordot(total, self.masks.windows(axis), ((1, 1 + axes - axis), (0, 2)))
        return total


class MaskFeatures:
    """The visible shares of the cells of a fixed grid over the input, as features of a mask with mean 0.

    The grid has one cell more than the masks along each axis, or fewer if there would be more than ``MAX_FEATURES`` or less
    than one position in a cell.
    """

    def __init__(self, masks: RandomMasks) -> None:
        limit = int(MAX_FEATURES ** (1 / len(masks.lengths)) + 1e-9)
        self.masks, self.sizes = masks, [min(length, masks.cells + 1, limit) for length in masks.lengths]
        self._pooled, self._covariances = [], []
        for axis, size in enumerate(self.sizes):
            windows = masks.windows(axis)
            pooled = _pooling_matrix(masks.lengths[axis], size) @ windows  # (shifts, size, cells)
            self._pooled.append(pooled)
            self._covariances.append(np.einsum("spc,slc->pl", pooled, windows, optimize=True) / len(windows))

    @property
    def count(self) -> int:
        """Number of features."""
        return math.prod(self.sizes)

    def __call__(self, draws: Draws) -> Floats:
        """Return the features (masks, features)."""
        features = draws.grids - self.masks.keep
        for axis, pooled in enumerate(self._pooled):  # the first axis of the grid becomes the last axis
            features = np.einsum("nc...,npc->n...p", features, pooled[draws.shifts[:, axis]], optimize=True)
        return features.reshape(len(features), -1)

    def covariance(self, coefficients: Floats) -> Floats:
        """Return the covariances (N, *lengths) of masks and linear functions with coefficients (features, N)."""
        total = coefficients.T.reshape(-1, *self.sizes)
        for covariance in self._covariances:
            total = np.tensordot(total, covariance, (1, 0))
        return total * self.masks.keep * (1.0 - self.masks.keep)


def _pooling_matrix(length: int, size: int) -> Floats:
    """Return the matrix (size, length) that averages positions in ``size`` equal cells."""
    edges, positions = np.linspace(0.0, length, size + 1), np.arange(length)
    overlaps = np.minimum(positions + 1, edges[1:, None]) - np.maximum(positions, edges[:-1, None])
    weights: Floats = np.clip(overlaps, 0.0, None) * size / length
    return weights
