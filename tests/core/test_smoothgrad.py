"""SmoothGrad: averages, standard errors and tolerances."""

import numpy as np
import pytest

import saliency
from saliency import Vanilla
from tests.reference import MinimalArray, linear, quadratic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))
SPAN = X.max() - X.min()


def smooth(nsamples=400, seed=0, **options):
    return Vanilla(quadratic([1]), 0).GetSmoothedMask(X, stdev_spread=0.2, nsamples=nsamples, seed=seed, **options)


def test_the_three_averages_have_their_expectations():
    # the gradient is x + noise of standard deviation sigma
    sigma = 0.2 * SPAN
    np.testing.assert_allclose(smooth(average="mean"), X, atol=5 * sigma / 20)
    np.testing.assert_allclose(smooth(average="squared").mean(), (X**2 + sigma**2).mean(), rtol=0.05)
    np.testing.assert_allclose(smooth(average="variance").mean(), sigma**2, rtol=0.03)
    np.testing.assert_array_equal(smooth(average="mean"), smooth(magnitude=False))
    np.testing.assert_array_equal(smooth(average="squared"), smooth())


def test_one_sample_has_no_variance():
    with pytest.warns(saliency.ZeroGradientWarning):
        assert not smooth(nsamples=1, average="variance").any()


def test_the_variance_is_accurate_for_a_large_mean():
    weights = np.full((1, 3, 4, 5), 1e6)
    adapter = linear(weights)
    adapter.df = lambda x: (weights + x)[:, None][:, 0][:, None]
    mask = Vanilla(adapter, 0).GetSmoothedMask(X, stdev_spread=0.2, nsamples=400, seed=0, average="variance")
    np.testing.assert_allclose(mask, smooth(average="variance"), rtol=1e-6)


@pytest.mark.parametrize("average", ["mean", "squared", "variance"])
def test_the_standard_error_is_the_spread_of_the_mask_over_seeds(average):
    runs = [smooth(nsamples=100, seed=seed, average=average, standard_error=True) for seed in range(200)]
    spread = np.std(runs, axis=0)
    estimated = np.mean([run.details["standard_error"] for run in runs], axis=0)
    assert estimated.shape == X.shape
    np.testing.assert_allclose(estimated.mean(), spread.mean(), rtol=0.05)
    np.testing.assert_allclose(estimated, spread, rtol=0.35)


def test_antithetic_noise_cancels_what_is_odd_in_it():
    np.testing.assert_allclose(smooth(nsamples=2, average="mean", antithetic=True), X, atol=1e-12)
    paired = smooth(nsamples=10, average="mean", antithetic=True, standard_error=True)
    np.testing.assert_allclose(paired.details["standard_error"], 0, atol=1e-7)
    assert paired.details["samples"] == 10
    runs = [smooth(nsamples=200, seed=seed, antithetic=True, standard_error=True) for seed in range(200)]
    estimated = np.mean([run.details["standard_error"] for run in runs], axis=0)
    np.testing.assert_allclose(estimated.mean(), np.std(runs, axis=0).mean(), rtol=0.07)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize(
    "options", [{"antithetic": True}, {"average": "variance", "standard_error": True}, {"tolerance": 0.1}]
)
def test_the_batch_size_changes_nothing(size, options):
    expected = smooth(nsamples=8, **options)
    adapter = quadratic([1])
    mask = Vanilla(adapter, 0, batch_size=size).GetSmoothedMask(X, stdev_spread=0.2, nsamples=8, seed=0, **options)
    np.testing.assert_allclose(mask, expected, rtol=1e-10)
    for name, value in expected.details.items():
        np.testing.assert_allclose(mask.details[name], value, rtol=1e-6, atol=1e-12)
    assert max(adapter.passes) <= size


def test_antithetic_noise_is_that_of_its_seed_and_its_negative():
    from saliency.core.adapter_request import Request
    from saliency.core.batching import BatchPlan
    from saliency.core.noise import Noise
    from saliency.core.progress import Progress
    from saliency.core.score import Score
    from saliency.core.target import Target

    score = Score(quadratic([1]), Request(Target.of([0])), 1, BatchPlan(5, Progress()))
    x = MinimalArray(X[None])
    copies = np.concatenate([run.array for run in Noise(0.2, 0, antithetic=True).copies(score, x, range(8))]) - X
    plain = np.concatenate([run.array for run in Noise(0.2, 0).copies(score, x, range(4))]) - X
    np.testing.assert_allclose(copies[0::2], plain, atol=1e-12)
    np.testing.assert_allclose(copies[1::2], -plain, atol=1e-12)


def test_a_tolerance_is_met_and_more_samples_extend_fewer():
    mask = smooth(nsamples=10, average="mean", tolerance=0.04)
    error, samples = mask.details["standard_error"], int(mask.details["samples"])
    assert np.linalg.norm(error) <= 0.04 * np.linalg.norm(mask)
    assert samples in (20, 40, 80, 160, 320, 640)
    np.testing.assert_allclose(mask, smooth(nsamples=samples, average="mean"), rtol=1e-10)
    half = smooth(nsamples=samples // 2, average="mean", standard_error=True)
    assert np.linalg.norm(half.details["standard_error"]) > 0.04 * np.linalg.norm(half)


def test_a_tolerance_holds_for_each_input_separately():
    x = np.stack([X, X + 30, X * 2 - 1])
    mask = Vanilla(quadratic([1]), 0)
    together = mask.GetSmoothedMasks(x, nsamples=10, tolerance=0.1, seed=1, average="mean")
    for i in range(3):
        alone = mask.GetSmoothedMask(x[i], nsamples=10, tolerance=0.1, seed=1, average="mean")
        np.testing.assert_allclose(together[i], alone, rtol=1e-12)
        assert together.details["samples"][i] == alone.details["samples"]
    assert len(set(together.details["samples"])) > 1
    assert together.details["standard_error"].shape == x.shape


def test_an_unreachable_tolerance_warns():
    with pytest.warns(saliency.ToleranceWarning, match=r"relative standard error after 30 samples is .* `max_samples`"):
        assert smooth(nsamples=10, tolerance=1e-9, max_samples=30).details["samples"] == 30
    with pytest.warns(saliency.ToleranceWarning, match="after 10 samples"):
        assert smooth(nsamples=10, tolerance=1e-9, max_samples=10).details["samples"] == 10


def test_max_samples_applies_only_with_a_tolerance():
    np.testing.assert_array_equal(smooth(nsamples=10, max_samples=3), smooth(nsamples=10))


def test_noise_is_scaled_by_each_input_s_own_range():
    x = np.stack([X, X * 10])
    masks = Vanilla(quadratic([1]), 0).GetSmoothedMasks(x, seed=0, average="variance", nsamples=50)
    np.testing.assert_allclose(masks[1], 100 * masks[0], rtol=1e-9)


def test_an_option_name_shared_with_smoothing():
    mask = saliency.GradientSHAP(quadratic([1]), 0, x_steps=3)
    np.testing.assert_array_equal(mask.GetSmoothedMask(X, seed=4), mask.GetSmoothedMask(X, seed=4))
    assert (mask.GetSmoothedMask(X, seed=4) != mask.GetSmoothedMask(X, seed=5)).any()
    ig = saliency.IntegratedGradients(quadratic([1]), 0, tolerance=0.01)
    np.testing.assert_allclose(ig.GetSmoothedMask(X, stdev_spread=0, nsamples=2, magnitude=False), X**2 / 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"average": "median"}, r"`average` \(='median'\) must be 'mean', 'squared', 'variance' or None"),
        ({"nsamples": 1, "standard_error": True}, r"`nsamples` \(=1\) must be a whole number, 2 or more"),
        ({"nsamples": 7, "antithetic": True}, r"`nsamples` \(=7\) must be even"),
        ({"nsamples": 2, "antithetic": True, "standard_error": True}, r"`nsamples` \(=2\) must be a whole number, 4 or more"),
        ({"nsamples": 8, "antithetic": True, "standard_error": True, "average": "variance"}, r"`average` \(='variance'\)"),
        ({"tolerance": -1}, r"`tolerance` \(=-1\)"),
        ({"max_samples": 0}, r"`max_samples` \(=0\)"),
        (
            {"nsamples": 10, "tolerance": 0.1, "max_samples": 9},
            r"`max_samples` \(=9\) must not be less than `nsamples` \(=10\)",
        ),
        ({"nsamples": 1001, "tolerance": 0.1}, r"`max_samples` \(=1000\) must not be less than `nsamples` \(=1001\)"),
        ({"samples": 3}, r"`samples` is not an option of Vanilla"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        Vanilla(quadratic([1]), 0).GetSmoothedMask(X, **options)
