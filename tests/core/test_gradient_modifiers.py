"""Gradient modifiers."""

import numpy as np
import pytest

from saliency import LRP, Deconvnet, GradCAM, GuidedBackprop, GuidedGradCAM, InputError, IntegratedGradients, Vanilla
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


@pytest.mark.parametrize(
    ("method", "modifier", "options", "message"),
    [
        (GuidedBackprop, "decrease", {}, r"`modifier` \(='decrease'\) .* rule 'guided': .*y=lambda output: -output\[:, 8\]"),
        (Deconvnet, "decrease", {}, "rule 'rectified'"),
        (GuidedBackprop, "maintain", {}, "zero also where the rule stops it"),
        (GuidedGradCAM, "invert", {}, "rule 'guided'"),
        (Vanilla, "decrease", {"rule": "guided"}, "rule 'guided'"),
        (GradCAM, "maintain", {"rule": "rectified"}, "rule 'rectified'"),
        (LRP, "absolute", {}, "LRP propagates relevance"),
    ],
)
def test_a_modifier_that_has_no_meaning_with_a_rule(method, modifier, options, message):
    with pytest.raises(InputError, match=message):
        method(linear(W), 1, modifier=modifier).GetMask(X[0], **options)


@pytest.mark.parametrize("modifier", ["increase", "absolute", "positive", lambda g: g])
def test_other_modifiers_are_accepted_with_a_rule(modifier):
    mask = GuidedBackprop(linear(W), 1, modifier=modifier).GetMask(X[0], allow_no_relu=True)
    assert mask.shape == X[0].shape


def test_a_rule_of_ones_own_keeps_every_modifier():
    mask = Vanilla(linear(W), 1, modifier="decrease").GetMask(X[0], rule=lambda gradient, _: gradient, allow_no_relu=True)
    np.testing.assert_allclose(mask, -W[1])
