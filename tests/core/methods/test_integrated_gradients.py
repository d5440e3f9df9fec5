"""Compare integrated gradients with known integrals."""

import numpy as np
import pytest

import saliency
from saliency import IntegratedGradients
from saliency.core.numerics.quadrature import QUADRATURE_RULES
from tests.reference import hinge, linear, quadratic, sigmoid

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(6, 3, 5, 6))


@pytest.mark.parametrize("rule", QUADRATURE_RULES)
@pytest.mark.parametrize("steps", [1, 2, 3, 25])
def test_a_linear_function_s_are_weights_times_difference_with_any_number_of_points(rule, steps):
    if rule == "trapezoid" and steps == 1:
        pytest.skip("has two points at least")
    mask = IntegratedGradients(linear(W), 2).GetMask(X[0], x_baseline=X[1], x_steps=steps, rule=rule)
    np.testing.assert_allclose(mask, W[2] * (X[0] - X[1]), rtol=1e-12)


@pytest.mark.parametrize("rule", ["trapezoid", "midpoint", "gauss-legendre"])
def test_a_quadratic_function_s_are_exact_by_rules_of_second_order(rule):
    mask = IntegratedGradients(quadratic([3]), 0).GetMask(X[0], x_baseline=X[1], rule=rule, x_steps=7)
    np.testing.assert_allclose(mask, 1.5 * (X[0] + X[1]) * (X[0] - X[1]), rtol=1e-12)


def test_the_inclusive_rule_counts_both_ends_in_full():
    mask = IntegratedGradients(quadratic([1]), 0).GetMask(X[0], x_steps=3, rule="inclusive")
    np.testing.assert_allclose(mask, (0 + 0.5 + 1) / 3 * X[0] ** 2, rtol=1e-12)
    np.testing.assert_allclose(
        IntegratedGradients(quadratic([1]), 0).GetMask(X[0], x_steps=1, x_baseline=1.0, rule="inclusive"), X[0] - 1
    )


def test_one_point_is_the_gradient_in_the_middle():
    for rule in ("midpoint", "gauss-legendre"):
        mask = IntegratedGradients(quadratic([1]), 0).GetMask(X[0], x_baseline=X[1], x_steps=1, rule=rule)
        np.testing.assert_allclose(mask, (X[0] + X[1]) / 2 * (X[0] - X[1]), rtol=1e-12)


def test_a_saturating_function_and_the_rules_known_errors():
    # completeness errors at 25 points that were measured elsewhere for such a function: inclusive 2e-2, trapezoid 3e-4,
    # midpoint half of that, Gauss-Legendre next to nothing
    x = np.full((2, 2), 1.0)
    gaps = {}
    for rule in QUADRATURE_RULES:
        mask = IntegratedGradients(sigmoid(1.5), 0).GetMask(x, rule=rule, details=True)
        exact = (mask.details["change"] / 4) * np.ones((2, 2))
        gaps[rule] = abs(mask.details["gap"])
        np.testing.assert_allclose(mask.sum() - mask.details["gap"], exact.sum(), rtol=1e-12)
        assert mask.details["change"] == pytest.approx(1 / (1 + np.exp(-6)) - 0.5)
    assert gaps["inclusive"] > 1e-3 > gaps["trapezoid"] > 1.9 * gaps["midpoint"] > 1e-5 and gaps["gauss-legendre"] < 1e-12


@pytest.mark.parametrize("rule", QUADRATURE_RULES)
def test_the_integral_of_a_relu_converges(rule):
    # max(0, x - .3) from 0 to x: the integral of the gradient is (x - .3) / x
    x = RNG.uniform(0.5, 2, size=(3, 4))
    mask = IntegratedGradients(hinge(0.3), 0).GetMask(x, x_steps=1500, rule=rule)  # no error above the weight of a point
    np.testing.assert_allclose(mask, x - 0.3, atol=2e-3)


def test_the_gap_is_recorded_if_the_rule_evaluates_both_ends():
    adapter = quadratic([1])
    evaluated = []
    outputs = adapter.outputs
    adapter.outputs = lambda x, *rest: (evaluated.append(x.shape[0]), outputs(x, *rest))[1]
    for rule in QUADRATURE_RULES:
        details = IntegratedGradients(adapter, 0, batch_size=7).GetMasks(X, rule=rule).details
        assert set(details) == ({"score", "gap", "change", "points"} if rule in ("inclusive", "trapezoid") else set())
    assert not evaluated
    details = IntegratedGradients(adapter, 0).GetMasks(X, rule="midpoint", details=True).details
    np.testing.assert_allclose(details["gap"], 0, atol=1e-12)
    np.testing.assert_allclose(details["change"], (X**2).reshape(6, -1).sum(1) / 2)
    assert list(details["points"]) == [25] * 6 and sum(evaluated) == 12


def test_several_baselines_are_averaged():
    mask = IntegratedGradients(quadratic([1]), 0)
    other = X[::-1] + 1
    alone = [mask.GetMasks(X, x_baseline=one) for one in (0.0, other[3], "max")]
    np.testing.assert_allclose(mask.GetMasks(X, x_baseline=[0.0, other[3], "max"]), np.mean(alone, axis=0), atol=1e-12)
    np.testing.assert_allclose(
        mask.GetMasks(X, x_baseline=other[:2]), np.mean([mask.GetMasks(X, x_baseline=b) for b in other[:2]], axis=0)
    )
    both = mask.GetMask(X[0], x_baseline=[0.0, X[3]], details=True)
    assert both.details["points"] == 50
    assert both.details["change"] == pytest.approx((X[0] ** 2).sum() / 2 - (X[3] ** 2).sum() / 4)
    assert both.details["gap"] == pytest.approx(0, abs=1e-10)


def test_a_baseline_that_is_the_input_gives_zero():
    with pytest.warns(saliency.ZeroGradientWarning):
        assert not IntegratedGradients(quadratic([1]), 0).GetMask(X[0], x_baseline=X[0]).any()


def test_a_constant_image_and_whole_numbers():
    pixels = np.full((3, 4, 4), 200, np.uint8)
    np.testing.assert_allclose(IntegratedGradients(quadratic([1]), 0).GetMask(pixels), 200.0**2 / 2)
    np.testing.assert_allclose(IntegratedGradients(quadratic([1]), 0).GetMask(pixels, x_baseline=250), (200**2 - 250**2) / 2)
    np.testing.assert_allclose(IntegratedGradients(quadratic([1]), 0).GetMask(pixels, x_baseline="blur"), 0, atol=1e-8)


def test_steps_are_evaluated_in_even_batches():
    adapter = linear(W)
    IntegratedGradients(adapter, 0, batch_size=500).GetMask(X[0], x_steps=1001, rule="midpoint")
    assert sorted(adapter.passes) == [333, 334, 334]
    adapter = linear(W)
    IntegratedGradients(adapter, 0, batch_size=12).GetMasks(X, x_steps=5)
    assert adapter.passes == [6 * 1, 6 * 2, 6 * 2]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_masks_of_a_batch_are_the_masks_one_by_one(size):
    adapter = sigmoid()
    together = IntegratedGradients(adapter, 0, batch_size=size).GetMasks(X * 0.1, x_steps=4)
    alone = [IntegratedGradients(sigmoid(), 0).GetMask(x * 0.1, x_steps=4) for x in X]
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    assert max(adapter.passes) <= size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "simpson"}, r"`rule` \(='simpson'\) must be one of inclusive"),
        ({"x_steps": 0}, r"`x_steps` \(=0\) must be a whole number, 1 or more"),
        ({"x_steps": 1, "rule": "trapezoid"}, r"`x_steps` \(=1\) must be a whole number, 2 or more"),
        ({"x_steps": 2.5}, r"`x_steps` \(=2.5\)"),
        ({"tolerance": 0}, r"`tolerance` \(=0\) must be a finite number above 0"),
        ({"tolerance": "1%"}, r"`tolerance` \(='1%'\)"),
        ({"tolerance": float("nan")}, r"`tolerance` \(=nan\)"),
        ({"max_steps": 0, "tolerance": 0.1}, r"`max_steps` \(=0\)"),
        ({"x_baseline": np.ones((3, 5, 7))}, r"`x_baseline` \(shape \(3, 5, 7\)\) must have the input's shape \(3, 5, 6\)"),
        ({"x_baseline": "gray"}, r"`x_baseline` \(='gray'\) must be a number, an array, or one of blur"),
        ({"x_baseline": []}, r"`x_baseline`"),
        ({"x_baseline": [0.0, "gray"]}, r"`x_baseline\[1\]` \(='gray'\)"),
        ({"x_baseline": float("nan")}, r"`x_baseline` holds 1 of 1 values that are NaN"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        IntegratedGradients(linear(W), 0).GetMask(X[0], **options)
