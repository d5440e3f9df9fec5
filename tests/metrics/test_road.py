"""Imputation and ROAD against definitions and closed forms."""

import numpy as np
import pytest

import saliency
from saliency import InputError
from saliency.metrics import road
from saliency.metrics.imputation import NEIGHBORS, WEIGHTS, impute_linearly

pytest.importorskip("scipy")
RNG = np.random.default_rng(0)


def test_each_imputed_pixel_is_the_mean_of_its_neighbors():
    image, removed = RNG.normal(size=(9, 11, 2)), RNG.random((9, 11)) < 0.5
    filled = impute_linearly(image, removed)
    np.testing.assert_array_equal(filled[~removed], image[~removed])
    for row, column in np.argwhere(removed):
        near = [(WEIGHTS[abs(a) + abs(b)], row + a, column + b) for a, b in NEIGHBORS]
        near = [(weight, a, b) for weight, a, b in near if 0 <= a < 9 and 0 <= b < 11]
        mean = sum(weight * filled[a, b] for weight, a, b in near) / sum(weight for weight, _, _ in near)
        np.testing.assert_allclose(filled[row, column], mean, atol=1e-10)


def test_nothing_and_everything_removed():
    image = RNG.normal(size=(5, 6, 3))
    np.testing.assert_array_equal(impute_linearly(image, np.zeros((5, 6), bool)), image)
    np.testing.assert_allclose(impute_linearly(image, np.ones((5, 6), bool)), image.mean(axis=(0, 1)) + 0 * image)


@pytest.mark.parametrize("axis", [-1, 0])
def test_scores_are_those_of_the_imputed_images(axis):
    weights = RNG.normal(size=(8, 9, 2))
    x = RNG.normal(size=(2, 8, 9, 2)).astype(np.float32)
    maps = (weights * x).sum(axis=-1)

    def linear(images):
        images = images if axis == -1 else np.moveaxis(images, 1, -1)
        total = (images * weights).sum(axis=(1, 2, 3))
        return np.stack([total, -total], axis=1)

    inputs = x if axis == -1 else np.moveaxis(x, -1, 1)
    found = road(saliency.wrap(linear, channel_axis=axis), inputs, maps, [0, 0], fractions=(0.25, 0.5), noise=0.0)
    for i in range(2):
        order = (-maps[i]).ravel().argsort()
        for j, count in enumerate((18, 36)):
            for name, chosen in (("most_first", order[:count]), ("least_first", order[-count:])):
                removed = np.zeros(72, bool)
                removed[chosen] = True
                expected = (impute_linearly(x[i].astype(float), removed.reshape(8, 9)) * weights).sum()
                assert found.details[name][i, j] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    np.testing.assert_allclose(found.value, found.curve.y.mean(axis=1))


def test_the_right_map_is_better_than_its_negative():
    patch = np.zeros((10, 10))
    patch[3:6, 4:7] = 1
    model = saliency.wrap(lambda x: np.stack([(x[..., 0] * patch).sum(axis=(1, 2))] * 2, axis=1), channel_axis=-1)
    x = (RNG.normal(size=(3, 10, 10, 1)) + 5 * patch[..., None]).astype(np.float32)
    right = road(model, x, [patch] * 3, [0] * 3)
    np.testing.assert_allclose(road(model, x, [-patch] * 3, [0] * 3).value, -right.value, rtol=0.1)
    assert (right.value > 1).all()


def test_noise_does_not_depend_on_the_batch():
    model = saliency.wrap(lambda x: x.sum(axis=(1, 2)), channel_axis=-1)
    x, maps = RNG.normal(size=(3, 6, 7, 2)).astype(np.float32), RNG.normal(size=(3, 6, 7))
    found = [road(model, x, maps, [0] * 3, batch_size=size, noise=0.5).value for size in (1, 32)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_invalid_options_are_refused():
    model = saliency.wrap(lambda x: x.sum(axis=1), channel_axis=0)
    with pytest.raises(InputError, match="must be images"):
        road(model, RNG.normal(size=(1, 2, 9)), RNG.normal(size=(1, 9)), [0])
    with pytest.raises(InputError, match=r"`fractions` \(=1.2\)"):
        road(model, RNG.normal(size=(1, 2, 9)), RNG.normal(size=(1, 9)), [0], fractions=[1.2])
