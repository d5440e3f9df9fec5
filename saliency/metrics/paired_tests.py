"""Intervals of means, and tests of paired differences, over images."""

import numpy as np
import numpy.typing as npt

FLIPS = 10_000
"""Number of random sign flips of a test with more than ``EXACT_FLIPS`` images."""

EXACT_FLIPS = 13
"""Number of images up to which a test enumerates all sign flips."""


def bootstrap_interval(
    values: npt.NDArray[np.float64], rng: np.random.Generator, resamples: int = 2000, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean.

    Args:
        values: one value for each image, (N,), without NaN.
        rng: draws the resamples.
        resamples: number of resamples.
        level: of confidence.

    Returns:
        The ends of the interval; NaN for fewer than two images.

    Source:
        Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    means = rng.choice(values, (resamples, len(values))).mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def sign_flip_test(differences: npt.NDArray[np.float64], rng: np.random.Generator) -> float:
    """Return the two-sided p-value of paired differences, under the hypothesis that their signs are random.

    The statistic is the mean difference. Up to 13 images, all sign flips are enumerated; beyond, 10,000 are drawn.

    Args:
        differences: one for each image, (N,), without NaN.
        rng: draws the sign flips.

    Returns:
        The p-value; 1 if there are no images, or all differences are zero.

    Source:
        Fisher, The Design of Experiments, 1935, section 21 (the randomization test of paired differences).
    """
    n = len(differences)
    if n == 0 or not differences.any():
        return 1.0
    observed = abs(differences.sum()) * (1 - 1e-12)  # a flip that gives the same sum in another order counts
    if n <= EXACT_FLIPS:
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float(np.mean(np.abs(signs @ differences) >= observed))
    signs = 1 - 2 * rng.integers(0, 2, (FLIPS, n), np.int8)
    return float((1 + np.count_nonzero(np.abs(signs @ differences) >= observed)) / (FLIPS + 1))


def holm(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p-values that are corrected for their number.

    Args:
        p_values: (tests,).

    Source:
        Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6(2), 1979.
    """
    order = np.argsort(p_values)
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * factors))
    return corrected
