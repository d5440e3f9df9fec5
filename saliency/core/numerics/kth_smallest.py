"""The k-th smallest of many numbers, found among the few that lie near it."""

from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLE = 1024
"""Approximate number of values whose order says where the k-th smallest lies. Fewer numbers than that are partitioned."""

MARGIN = 0.04
"""Distance of the bounds from the expected place in the sample, as a fraction of it: three standard errors of a median."""


class KthSmallest:
    """Find k-th smallest numbers of an array for several k, each in a third of the time of ``np.partition``.

    The numbers between two quantiles of a sample are partitioned, if the k-th smallest is one of them, and all numbers
    otherwise. So the result is exact for any array.

    Args:
        values: (D,).

    Source:
        Floyd & Rivest, Expected Time Bounds for Selection, Communications of the ACM 18(3), 1975.
    """

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._values = values
        self._sample = np.sort(values[:: len(values) // SAMPLE | 1])  # odd, as rows have an even number of pixels mostly

    def __call__(self, k: int) -> Any:
        """Return the k-th smallest number; k is 1 for the smallest. NaN counts as the largest number."""
        values, sample = self._values, self._sample
        place, margin = k * len(sample) / len(values), MARGIN * len(sample)
        low = sample[int(place - margin)] if place >= margin else -np.inf
        high = sample[int(place + margin)] if place + margin < len(sample) else np.inf
        near = values[np.flatnonzero((values >= low) & (values <= high))]  # faster than indexing by booleans
        index = k - 1 - int(np.count_nonzero(values < low))
        if not 0 <= index < len(near):
            near, index = values.copy(), k - 1
        near.partition(index)
        return near[index]
