"""Masks of a scikit-learn classifier of digits."""

import numpy as np
import pytest

import saliency
from saliency import RISE, Occlusion


@pytest.fixture(scope="module")
def digits():
    sklearn = pytest.importorskip("sklearn")
    from sklearn import datasets, linear_model

    assert sklearn
    data = datasets.load_digits()
    model = linear_model.LogisticRegression(max_iter=500).fit(data.data[:500] / 16, data.target[:500])
    return model, data.images / 16, data.target


def as_images(model):
    return lambda x: model.predict_proba(x.reshape(len(x), -1))


def windows_by_hand(function, x, y, size):
    """The drop of the probability, added to each pixel of every window that is blackened."""
    total = np.zeros(x.shape)
    for row in range(x.shape[0] - size + 1):
        for column in range(x.shape[1] - size + 1):
            covered = x.copy()
            covered[row : row + size, column : column + size] = 0
            total[row : row + size, column : column + size] += (function(x[None]) - function(covered[None]))[0, y]
    return total


def test_a_classifier_of_tables(digits):
    model, images, classes = digits
    for x, y in zip(images[:5].reshape(5, 64), classes, strict=False):
        mask = Occlusion(model.predict_proba, int(y)).GetMask(x, size=1)
        expected = [model.predict_proba([x])[0, y] - model.predict_proba([np.where(np.arange(64) == i, 0, x)])[0, y] for i in range(64)]  # fmt: skip
        assert mask.shape == (64,)
        np.testing.assert_allclose(mask, expected, atol=1e-6)


def test_a_classifier_of_images(digits):
    model, images, classes = digits
    function = as_images(model)
    mask = Occlusion(saliency.wrap(function, channel_axis=None), batch_size=7)
    np.testing.assert_allclose(mask.GetMask(images[3], size=3), windows_by_hand(function, images[3], classes[3], 3), atol=1e-6)
    together = mask.GetMasks(images[:4], y=list(classes[:4]), size=3)
    for i in range(4):
        np.testing.assert_allclose(together[i], windows_by_hand(function, images[i], classes[i], 3), atol=1e-6)


@pytest.mark.parametrize("method", [Occlusion, RISE])
def test_masked_pixels_matter_to_the_classifier(digits, method):
    model, images, classes = digits
    function = as_images(model)
    mask = method(
        saliency.wrap(function, channel_axis=None), **({"size": 2} if method is Occlusion else {"seed": 0, "nmasks": 600})
    )
    some, ys = images[:30], classes[:30]
    found = np.asarray(mask.GetMasks(some, y=list(ys))).reshape(30, 64)

    def without(order):
        flat = some.reshape(30, 64).copy()
        np.put_along_axis(flat, order[:, -6:], 0.0, axis=1)
        return model.predict_proba(flat)[np.arange(30), ys].mean()

    brightest = without(some.reshape(30, 64).argsort(axis=1, kind="stable"))
    assert without(found.argsort(axis=1)) < brightest - 0.1
    assert without((-found).argsort(axis=1)) > brightest + 0.1


def test_a_classifier_instance_raises_and_suggests_its_method(digits):
    with pytest.raises(
        saliency.InputError, match=r"LogisticRegression\) must be .* a function of a batch .*; pass its `predict_proba`"
    ):
        Occlusion(digits[0], 0)
