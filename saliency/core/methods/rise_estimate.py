"""Estimate RISE's map and its standard error from the scores of random masks."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saliency.core.errors import InputError
from saliency.core.methods.random_masks import Draws, MaskFeatures, MaskSum, RandomMasks
from saliency.core.numerics.cross_fitting import FOLDS, CrossFitting

Floats = npt.NDArray[np.float64]

AT_ONCE = 32 * FOLDS
"""Masks that are drawn at once, a multiple of the number of folds; twice their number is enlarged in a batch of that size."""


class Estimate(NamedTuple):
    """The map of each input, (N, *lengths), and its standard error, or None."""

    map: Floats
    error: Floats | None


def plain_estimate(masks: RandomMasks, seeds: Sequence[int], scores: Floats, errors: bool) -> Estimate:
    """Return sum(score * mask) / sum(mask) - mean(score), the formula of the paper, normalized by position.

    Args:
        masks: the distribution of the masks.
        seeds: the seed of each mask.
        scores: (masks, N).
        errors: compute standard errors, of the linearized ratio.

    Returns:
        The estimate.

    Raises:
        InputError: if a position is visible in none of the masks.
    """
    centered = scores - scores.mean(axis=0)
    weights = np.concatenate([centered, np.ones((len(scores), 1))], axis=1)
    total = MaskSum(masks, weights.shape[1])
    for draws, chunk in _draws(masks, seeds):
        total.add(draws, weights[chunk])
    sums = total.total()
    never = np.count_nonzero(sums[-1] == 0)
    if never:
        raise InputError(
            f"`nmasks` (={len(seeds)}) is too small: {never} of {sums[-1].size} pixels are visible in none of the masks"
        )
    found = sums[:-1] / sums[-1]
    if not errors:
        return Estimate(found, None)

    def influence(visibility: Floats, chunk: slice, i: int) -> Floats:
        own = centered[chunk, i].reshape(-1, *[1] * len(masks.lengths))
        terms: Floats = (own - found[i]) * visibility * (len(scores) / sums[-1]) - own
        return terms

    return Estimate(found, _standard_error(masks, seeds, scores.shape, influence))


def controlled_estimate(masks: RandomMasks, seeds: Sequence[int], scores: Floats, errors: bool) -> Estimate:
    """Return an unbiased estimate of cov(score, mask) / keep, with a linear function of the mask as control variate.

    The covariance of the linear function is exact. The masks only estimate that of its residuals, which are smaller than the
    scores. A fold's residuals are those of a fit to the other folds, which is independent of them. So the expectation of a
    fold's estimate, given the fit, is the exact map for any fit.

    Args:
        masks, seeds, scores, errors: see ``plain_estimate``; there are at least two masks.
    """
    folds = min(FOLDS, len(seeds))
    features, scores = MaskFeatures(masks), scores - scores.mean(axis=0)
    fitting = CrossFitting(folds, features.count, scores.shape[1])
    for draws, chunk in _draws(masks, seeds):
        fitting.add(features(draws), scores[chunk])
    fits, residuals = fitting.fit(), np.empty_like(scores)
    total = MaskSum(masks, scores.shape[1])
    for draws, chunk in _draws(masks, seeds):
        residuals[chunk] = scores[chunk] - fits.predict(features(draws))
        total.add(draws, residuals[chunk])
    shares = np.bincount(np.arange(len(seeds)) % folds) / len(seeds)
    exact = features.covariance(np.tensordot(shares, fits.coefficients, 1)) / masks.keep
    constant = residuals.sum(axis=0).reshape(-1, *[1] * len(masks.lengths))
    found = exact + (total.total() / masks.keep - constant) / len(seeds)
    if not errors:
        return Estimate(found, None)
    centers = np.stack([features.covariance(own) / masks.keep for own in fits.coefficients])  # (folds, N, *lengths)
    centers -= found

    def influence(visibility: Floats, chunk: slice, i: int) -> Floats:
        own = residuals[chunk, i].reshape(-1, *[1] * len(masks.lengths))
        terms: Floats = centers[np.arange(len(own)) % folds, i] + own * (visibility / masks.keep - 1.0)
        return terms

    return Estimate(found, _standard_error(masks, seeds, scores.shape, influence))


def _draws(masks: RandomMasks, seeds: Sequence[int], at_once: int = AT_ONCE) -> Iterator[tuple[Draws, slice]]:
    for start in range(0, len(seeds), at_once):
        chunk = slice(start, min(start + at_once, len(seeds)))
        yield masks.draw(seeds[chunk]), chunk


def _standard_error(
    masks: RandomMasks, seeds: Sequence[int], shape: tuple[int, ...], influence: Callable[[Floats, slice, int], Floats]
) -> Floats:
    """Return the standard error (N, *lengths) of a mean over masks.

    Args:
        masks, seeds: see ``plain_estimate``.
        shape: (masks, N).
        influence: returns the masks' terms of the mean minus the mean, (masks, *lengths), from visibilities, the place of the
            masks and the index of the input.
    """
    squares = np.zeros((shape[1], *masks.lengths))
    for draws, chunk in _draws(masks, seeds, 2 * FOLDS):
        visibility = masks.render(draws)
        for i in range(shape[1]):
            squares[i] += np.sum(influence(visibility, chunk, i) ** 2, axis=0)
    return np.sqrt(squares / (shape[0] * (shape[0] - 1)))
