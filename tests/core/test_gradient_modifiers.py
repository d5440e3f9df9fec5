"""Gradient modifiers."""

import numpy as np
import pytest

from saliency import IntegratedGradients, Vanilla
from tests.reference import linear

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        ("increase", lambda g: g),
        ("decrease", lambda g: -g),
        ("positive", lambda g: np.maximum(g, 0)),
        ("absolute", np.abs),
        ("maintain", lambda g: 1 / np.abs(g)),
        ("invert", lambda g: 1 / g),
        (lambda g: g**3, lambda g: g**3),
        (None, lambda g: g),
    ],
)
def test_gradient_modifiers(modifier, expected):
    gradient = Vanilla(linear(W), 1, modifier=modifier).GetMask(X[0])
    np.testing.assert_allclose(gradient, expected(W[1]), rtol=2e-3)
    mask = IntegratedGradients(linear(W), 1, modifier=modifier).GetMask(X[0])  # each gradient, before it is summed
    np.testing.assert_allclose(mask, X[0] * expected(W[1]), rtol=2e-3)


def test_modifiers_are_finite_where_the_gradient_is_zero_and_keep_its_sign():
    weights = np.array([[0.0, -1e-9, 1e-9, -2.0]])
    for name in ("maintain", "invert"):
        mask = Vanilla(linear(weights), 0, modifier=name).GetMask(np.ones(4))
        assert np.isfinite(mask).all()
    assert (np.sign(mask) == [1, -1, 1, -1]).all()
