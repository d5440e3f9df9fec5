"""Compare HSIC with explicit kernel matrices and a closed form."""

import numpy as np
import pytest

import saliency
from saliency import HSIC
from tests.core.methods.forward_adapter import ForwardAdapter
from tests.core.regions.games import REGIONS, explain, mixed


def explained(game, n, **options):
    model = ForwardAdapter(lambda x: game(x)[:, None], keep_inputs=True)
    mask = HSIC(model, 0, batch_size=50).GetMask(np.ones(n), regions=np.arange(n), **options)
    return mask, np.concatenate(model.inputs)


def test_it_is_the_trace_of_the_centered_kernel_matrices():
    mask, seen = explained(mixed, REGIONS, nmasks=80, seed=2)
    y, n = mixed(seen), 80
    width = np.median([abs(y[i] - y[j]) for i in range(n) for j in range(i)])
    of_scores = np.exp(-((y[:, None] - y) ** 2) / (2 * width**2))
    center = np.eye(n) - 1 / n
    for region in range(REGIONS):
        agree = (seen[:, None, region] == seen[:, region]).astype(float)
        expected = np.trace(agree @ center @ of_scores @ center) / (n - 1) ** 2
        assert mask[region] == pytest.approx(expected, rel=1e-9)


def test_a_score_of_one_region_has_the_closed_form():
    mask, seen = explained(lambda z: 4 * z[..., 1], 3, nmasks=101, seed=0)
    share, n = seen[:, 1].mean(), 101
    apart = 4 * 2 * share * (1 - share) * n / (n - 1)  # the mean distance of two scores
    width = {True: 4.0, False: apart}[share * (1 - share) * 2 * n > (n - 1) / 2]  # the median, if more than half differ
    gap = 1 - np.exp(-16 / (2 * width**2))
    assert mask[1] == pytest.approx(0.5 * gap / 2 * (4 * share * (1 - share) * n / (n - 1)) ** 2, rel=1e-9)
    assert mask[[0, 2]].max() < 0.1 * mask[1]


def test_more_coalitions_give_the_same_within_the_standard_error():
    few, many = (explain(HSIC, mixed, nmasks=n, seed=n) for n in (300, 1500))
    strong = many > 0.2 * many.max()
    errors = np.hypot(few.details["region_errors"], many.details["region_errors"])
    assert strong.any() and (np.abs(few - many) < 4 * errors)[strong].all()


def test_a_constant_score_has_no_dependence():
    with pytest.warns(saliency.ZeroGradientWarning, match="does not change when any of the regions is hidden"):
        assert not explain(HSIC, lambda z: 0 * z[..., 0] + 2, nmasks=20, seed=0).any()


def test_invalid_options_raise():
    with pytest.raises(saliency.InputError, match=r"`nmasks` \(=3\) must be a whole number, 4 or more"):
        explain(HSIC, mixed, nmasks=3)
    with pytest.raises(saliency.InputError, match=r"`nmasks` \(=10001\) must be a whole number, at most 10000"):
        explain(HSIC, mixed, nmasks=10_001)
