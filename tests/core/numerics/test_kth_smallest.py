"""The k-th smallest number equals that of a sort, for any distribution and any place."""

import numpy as np
import pytest

from saliency.core.numerics.kth_smallest import SAMPLE, KthSmallest

RNG = np.random.default_rng(0)
SIZE = 30_000
STEP = SIZE // SAMPLE | 1


def misleading():
    """Values whose sample lies far above all others."""
    values = RNG.random(SIZE)
    values[::STEP] += 5
    return values


ARRAYS = {
    "few": RNG.random(7),
    "one": np.array([3.0]),
    "random": RNG.random(SIZE),
    "float32": RNG.exponential(size=SIZE).astype(np.float32),
    "periodic": np.sin(np.arange(SIZE) * 2 * np.pi / STEP),
    "sorted": np.arange(SIZE) / 3,
    "ties": RNG.integers(0, 4, SIZE).astype(float),
    "equal": np.zeros(SIZE),
    "infinite": np.where(RNG.random(SIZE) < 0.7, np.inf, RNG.random(SIZE)),
    "misleading": misleading(),
    "nan": np.where(RNG.random(SIZE) < 0.3, np.nan, RNG.random(SIZE)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_equals_a_sort(name):
    values = ARRAYS[name]
    before, in_order, find = values.copy(), np.sort(values), KthSmallest(values)
    for fraction in (0, 0.001, 0.03, 0.25, 0.5, 0.75, 0.97, 0.999, 1):
        k = max(1, round(fraction * values.size))
        np.testing.assert_equal(find(k), in_order[k - 1])
    np.testing.assert_array_equal(values, before)
