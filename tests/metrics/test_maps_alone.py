"""Metrics of maps alone, against closed forms and SciPy."""

import numpy as np
import pytest

from saliency import InputError
from saliency.metrics import agreement, complexity, sparseness

RNG = np.random.default_rng(0)


def test_sparseness_of_known_maps():
    one = np.zeros((4, 5))
    one[2, 3] = -7
    found = sparseness([np.ones((4, 5)), one, np.zeros((4, 5)), np.arange(20.0)])
    np.testing.assert_allclose(found.value[:2], [0, 1 - 1 / 20], atol=1e-12)
    assert np.isnan(found.value[2])
    values = np.arange(20.0)
    pairs = np.abs(values[:, None] - values).sum() / (2 * 20**2 * values.mean())  # the definition by mean differences
    assert found.value[3] == pytest.approx(pairs)


def test_complexity_of_known_maps():
    one = np.zeros((4, 5))
    one[2, 3] = -7
    found = complexity([np.ones((4, 5)), one, np.zeros((4, 5))])
    np.testing.assert_allclose(found.value[:2], [np.log(20), 0], atol=1e-12)
    assert np.isnan(found.value[2])


def test_maps_are_not_changed():
    maps = RNG.normal(size=(2, 12, 13))
    before = maps.copy()
    sparseness(maps), complexity(maps), agreement(maps, maps)
    np.testing.assert_array_equal(maps, before)


def test_rank_correlation_equals_that_of_scipy():
    scipy = pytest.importorskip("scipy.stats")
    one, other = RNG.integers(0, 6, (3, 8, 9)), RNG.integers(0, 6, (3, 8, 9))  # with ties
    expected = [scipy.spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(agreement(one, other).value, expected)


@pytest.mark.parametrize("measure", ["rank", "ssim"])
def test_equal_maps_agree(measure):
    pytest.importorskip("skimage")
    maps = RNG.normal(size=(2, 12, 13))
    np.testing.assert_allclose(agreement(maps, 3 * maps, measure=measure).value, 1)
    assert np.isnan(agreement(maps * 0, maps, measure=measure).value).all()
    assert agreement(maps, RNG.normal(size=(2, 12, 13)), measure=measure).value.max() < 0.5


def test_unsuitable_maps_are_refused():
    with pytest.raises(InputError, match=r"`others\[0\]` \(shape \(3, 4\)\)"):
        agreement(np.ones((1, 4, 3)), np.ones((1, 3, 4)))
    with pytest.raises(InputError, match="one of 'rank', 'ssim'"):
        agreement(np.ones((1, 4, 3)), np.ones((1, 4, 3)), measure="cosine")
    with pytest.raises(InputError, match="at least one map"):
        sparseness([])
