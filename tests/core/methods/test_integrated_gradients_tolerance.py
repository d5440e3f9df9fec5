"""Integrated gradients to a tolerance."""

import warnings

import numpy as np
import pytest

import saliency
from saliency import IntegratedGradients
from saliency.core.numerics.quadrature import QUADRATURE_RULES
from tests.reference import hinge, sigmoid

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(6, 3, 5, 6))


@pytest.mark.parametrize("rule", QUADRATURE_RULES)
def test_a_tolerance_adds_points_until_it_is_met_and_computes_none_twice(rule):
    adapter = hinge(0.37)
    seen = []
    differentiate = adapter.gradients
    adapter.gradients = lambda x, *rest, **options: (seen.append(x.array), differentiate(x, *rest, **options))[1]
    x = np.linspace(0.5, 2, 10)
    mask = IntegratedGradients(adapter, 0, batch_size=8).GetMask(x, rule=rule, x_steps=2, tolerance=0.002)
    details = mask.details
    assert abs(details["gap"]) <= 0.002 * abs(details["change"])
    assert details["gap"] == pytest.approx(mask.sum() - (x - 0.37).sum(), abs=1e-9)
    points = np.concatenate(seen)[:, 0]
    assert len(points) == len(np.unique(points)) == details["points"]
    grown = (5, 11, 23, 47, 95, 191, 383) if rule == "chebyshev" else (6, 18, 54, 162, 486)
    assert details["points"] in grown and max(map(len, seen)) <= 8


def test_a_tolerance_holds_for_each_input_separately():
    x = [np.full(3, 0.2), np.linspace(0.5, 2, 3), np.full(3, 1.0)]
    mask = IntegratedGradients(hinge(0.37), 0, tolerance=0.01, x_steps=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", saliency.ZeroGradientWarning)
        together, alone = mask.GetMasks(x), [mask.GetMask(one) for one in x]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together.details["points"], [one.details["points"] for one in alone])
    assert len(set(together.details["points"])) > 1


def test_a_tolerance_starts_with_seven_chebyshev_points_by_default():
    adapter, x = sigmoid(), np.full((2, 2), 0.3)
    loose, tight = (IntegratedGradients(adapter, 0).GetMask(x, tolerance=tolerance) for tolerance in (0.05, 1e-4))
    assert (loose.details["points"], tight.details["points"]) == (7, 31)
    exact = (1 / (1 + np.exp(-1.2)) - 0.5) / 4
    np.testing.assert_allclose(loose, exact, rtol=0.05)
    np.testing.assert_allclose(tight, exact, rtol=1e-4)
    assert len(set(np.ravel(tight))) == 1


def test_an_unreachable_tolerance_warns_with_the_error_reached():
    with pytest.warns(saliency.ToleranceWarning, match=r"`tolerance` \(=1e-09\) .* gap after 27 steps is .* `max_steps`"):
        mask = IntegratedGradients(hinge(0.37), 0, rule="midpoint").GetMask(
            np.ones(3), x_steps=3, tolerance=1e-9, max_steps=80
        )
    assert mask.details["points"] == 27 and abs(mask.details["gap"]) > 0
