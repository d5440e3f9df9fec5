"""RISE: the mean score of randomly masked inputs in which a pixel is visible."""

import math
from typing import Any, final

import numpy as np
import numpy.typing as npt

from saliency.core.channel_axis import input_axes
from saliency.core.errors import InputError
from saliency.core.mask import SaliencyMask
from saliency.core.mask_unit import SCORE
from saliency.core.methods.baselines import make_baseline
from saliency.core.noise import Noise, sample_seeds
from saliency.core.numerics.resampling import apply_along_axis, interpolation_matrix
from saliency.core.points import values_of_points
from saliency.core.score import Score
from saliency.core.types import Array
from saliency.core.validation import as_real, shown, whole_number

MAX_CELLS = 4096
"""The largest number of cells along an axis; the masks would be noise of single pixels long before."""


@final
class RISE(SaliencyMask):
    """Average the score over random masks in which a pixel is visible, and subtract the mean score over all masks.

    The mask has the input's shape, with equal values in all channels, in score units. The method uses no gradients.

    The paper's map is not centered. Here the mean score is subtracted, so that a pixel without influence gets 0, up to the
    noise of a finite number of masks.

    Options:
        nmasks: number of random masks.
        cells: number of cells of the random grid along each spatial axis, before it is enlarged and shifted.
        keep: probability that a cell stays visible, between 0 and 1 (exclusive).
        value: the content of the masked cells, as for ``Occlusion``.
        seed: a whole number makes the result repeatable; None draws a new seed.

    Source:
        Petsiuk, Das & Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, arXiv:1806.07421.
    """

    differentiates = False
    unit = SCORE
    empty = "the score is the same under all random masks"

    def masks(
        self,
        score: Score,
        x: Array,
        nmasks: int = 2000,
        cells: int = 7,
        keep: float = 0.5,
        value: Any = 0.0,
        seed: int | None = None,
    ) -> Array:
        """Return sum(score * mask) / sum(mask) - mean(score) over random masks."""
        adapter, xp, axes = score.adapter, score.adapter.xp, input_axes(score.adapter, x)
        random_mask = _RandomMasks([int(x.shape[axis]) for axis in axes], cells, keep)
        cover = make_baseline(value, score, x, "value")
        nmasks = whole_number("nmasks", nmasks, least=1)
        seeds = sample_seeds(Noise.of(0.0, seed).seed, nmasks)
        shape = [int(length) if axis in axes else 1 for axis, length in enumerate(x.shape)]  # (1, *input), 1 channel
        total, visible, mean, difference = 0.0, np.zeros(shape), 0.0, x - cover
        for chunk in score.batches(nmasks):
            masks = np.stack([random_mask(seeds[i]) for i in chunk]).reshape((len(chunk), *shape))
            visibility = adapter.asarray(masks)
            points = cover + visibility * difference  # (masks, N, *input)
            scores = xp.reshape(values_of_points(score, points), (len(chunk), score.n, *[1] * (len(shape) - 1)))
            total, visible = total + xp.sum(scores * visibility, axis=0), visible + masks.sum(axis=0)
            mean = mean + xp.sum(scores, axis=0) / nmasks
        if not visible.all():
            never = visible.size - np.count_nonzero(visible)
            raise InputError(
                f"`nmasks` (={nmasks}) is too small: {never} of {visible.size} pixels are visible in none of the masks"
            )
        return (total / adapter.asarray(visible) - mean) * xp.ones_like(x)


class _RandomMasks:
    """Random masks: a coarse grid of zeros and ones, enlarged linearly and shifted by a part of a cell."""

    def __init__(self, lengths: list[int], cells: int, keep: Any) -> None:
        cells = whole_number("cells", cells, least=1, most=MAX_CELLS)
        if not 0 < (as_real(keep) or 0.0) < 1:
            raise InputError(f"`keep` (={shown(keep)}) must be a number between 0 and 1 (exclusive)")
        self.lengths, self.cells, self.keep = lengths, cells, float(keep)
        self.cell_widths = [math.ceil(length / cells) for length in lengths]  # in pixels
        self.enlarge = [interpolation_matrix(cells, (cells + 1) * width) for width in self.cell_widths]

    def __call__(self, seed: int) -> npt.NDArray[np.float64]:
        """Return a mask of shape ``lengths``, between 0 and 1."""
        random = np.random.default_rng(seed)
        mask: npt.NDArray[np.float64] = (random.random([self.cells] * len(self.lengths)) < self.keep).astype(float)
        for axis, (length, width, matrix) in enumerate(zip(self.lengths, self.cell_widths, self.enlarge, strict=True)):
            shift = int(random.integers(width))
            mask = apply_along_axis(np, matrix[shift : shift + length], mask, axis)
        return mask
