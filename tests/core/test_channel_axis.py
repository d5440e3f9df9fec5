"""Test that a function's input with two axes is read as rows and columns, with a warning, unless the user says otherwise."""

import numpy as np
import pytest

import saliency
from tests.two_axis_inputs import ASSUMED, WEIGHTS, X, expected


def score(x):
    return np.einsum("nij,ij->n", x, WEIGHTS)[:, None]


def test_occlusion_covers_rows_and_columns():
    with pytest.warns(UserWarning, match=ASSUMED):
        mask = saliency.Occlusion(score, 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-5)
    mask = saliency.Occlusion(saliency.wrap(score, channel_axis=None), 0).GetMask(X, size=3)  # no warning
    np.testing.assert_allclose(mask, expected((3, 3)), rtol=1e-5)


@pytest.mark.parametrize(("axis", "window"), [(0, (6, 3)), (-1, (3, 5))])
def test_channels_that_the_user_names(axis, window):
    mask = saliency.Occlusion(saliency.wrap(score, channel_axis=axis), 0).GetMask(X, size=3)
    np.testing.assert_allclose(mask, expected(window), rtol=1e-5)


def test_rise_warns_as_well():
    with pytest.warns(UserWarning, match=ASSUMED):
        mask = saliency.RISE(score, 0).GetMask(X, nmasks=50, cells=2, seed=0)
    exact = saliency.RISE(saliency.wrap(score, channel_axis=None), 0).GetMask(X, nmasks=50, cells=2, seed=0)
    np.testing.assert_array_equal(mask, exact)
    assert len(np.unique(np.asarray(mask))) == X.size  # neither rows nor columns share their values


def test_the_channel_axis_does_not_change_during_a_run():
    model = saliency.wrap(lambda x: x.mean((1, 2, 3))[:, None])
    saliency.Occlusion(model, 0).GetMask(np.ones((8, 8, 3)), size=4)
    assert model.channel_axis == -1
