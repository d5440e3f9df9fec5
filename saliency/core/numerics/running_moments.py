"""Mean, variance and their standard errors, accumulated over batches of samples."""

from typing import Any

from saliency.core.types import Array


class RunningMoments:
    """Sums of powers of samples, about the mean of the first batch to limit rounding errors.

    Args:
        xp: namespace of the arrays.
        powers: number of sums: 1 for a mean, 2 for its standard error or a variance, 4 for the standard error of a variance.
    """

    def __init__(self, xp: Any, powers: int) -> None:
        self._xp = xp
        self._center: Array = 0.0
        self._sums: list[Array] = [0.0] * powers
        self.count = 0

    def add(self, values: Array) -> None:
        """Add samples (samples, N, *mask)."""
        if len(self._sums) > 1 and self.count == 0:
            self._center = self._xp.mean(values, axis=0)
        if len(self._sums) > 1:
            values = values - self._center
        power = values
        for i in range(len(self._sums)):
            power = values if i == 0 else power * values
            self._sums[i] = self._sums[i] + self._xp.sum(power, axis=0)
        self.count += values.shape[0]

    @property
    def mean(self) -> Array:
        """The mean, (N, *mask)."""
        first = self._sums[0] / self.count
        return first if len(self._sums) == 1 else self._center + first

    @property
    def variance(self) -> Array:
        """The mean squared distance from the mean, 0 or more."""
        first, second = (total / self.count for total in self._sums[:2])
        return self._xp.clip(second - first * first, 0.0, None)

    @property
    def error_of_mean(self) -> Array:
        """The standard error of the mean, from the unbiased variance."""
        return (self.variance / (self.count - 1)) ** 0.5

    @property
    def error_of_variance(self) -> Array:
        """The standard error of the variance, from the fourth central moment."""
        m1, m2, m3, m4 = (total / self.count for total in self._sums)
        fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 * m1 * m1 * m1
        return self._xp.clip((fourth - self.variance * self.variance) / self.count, 0.0, None) ** 0.5
