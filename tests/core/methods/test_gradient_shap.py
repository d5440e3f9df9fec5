"""Compare GradientSHAP with known integrals."""

import numpy as np
import pytest

import saliency
from saliency import GradientSHAP, IntegratedGradients
from tests.reference import JacobianAdapter, linear, quadratic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 2, 3, 4))
W = RNG.normal(size=(2, 2, 3, 4))


def cubic():
    """f(x) = |x|^3 summed / 3, whose integrated gradients from b are (x^3 - b^3) / 3."""
    return JacobianAdapter(lambda x: (x.reshape(len(x), -1) ** 3).sum(1)[:, None] / 3, lambda x: x[:, None] ** 2)


def average(mask, x, repeats, **options):
    """Return the mean over seeds and its standard error."""
    masks = np.array([mask.GetMask(x, seed=seed, **options) for seed in range(repeats)])
    return masks.mean(0), masks.std(axis=0, ddof=1) / np.sqrt(repeats)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_linear_function_s_is_its_weights_times_the_difference(steps):
    baseline = RNG.normal(size=(2, 1, 1))
    for given, b in ((None, 0), (0.5, 0.5), (baseline, baseline), ("mean", X[1].mean((1, 2), keepdims=True))):
        mask = GradientSHAP(linear(W), 1).GetMask(X[1], x_baseline=given, x_steps=steps)
        np.testing.assert_allclose(mask, W[1] * (X[1] - b), rtol=1e-12)


def test_a_curved_function_s_is_integrated_gradients_within_its_error():
    b = RNG.normal(size=(2, 3, 4))
    mean, error = average(GradientSHAP(cubic(), 0, batch_size=50), X[0], 40, x_baseline=b, x_steps=50)
    np.testing.assert_allclose(IntegratedGradients(cubic(), 0).GetMask(X[0], x_baseline=b), (X[0] ** 3 - b**3) / 3)
    assert (np.abs(mean - (X[0] ** 3 - b**3) / 3) < 4.5 * error).all()
    assert (error < 0.05 * np.abs(X[0] ** 3 - b**3).max()).all()


def test_several_baselines_are_drawn_equally_often():
    several = RNG.normal(size=(3, 2, 3, 4))
    expected = np.mean([(X[0] ** 3 - b**3) / 3 for b in several], axis=0)
    for given in (several, list(several)):
        mean, error = average(GradientSHAP(cubic(), 0, batch_size=60), X[0], 30, x_baseline=given, x_steps=60)
        assert (np.abs(mean - expected) < 4.5 * error).all()
    one = {tuple(np.ravel(W[0] * (X[0] - b)).round(9)) for b in several}
    drawn = {tuple(np.ravel(GradientSHAP(linear(W), 0).GetMask(X[0], x_baseline=several, x_steps=1, seed=i)).round(9)) for i in range(30)}  # fmt: skip
    assert drawn == one  # a sample has one of the baselines, and each of them has its turn


def test_noise_adds_its_variance_and_is_independent_of_the_point_on_the_line():
    # f = |x|^2 / 2 from 0: the mean of a (x + n)^2 over a in 0..1 and noise n is (x^2 + sigma^2) / 2, for every pixel
    spread = 0.3
    sigma = spread * np.ptp(X[0])
    mean, error = average(GradientSHAP(quadratic([1]), 0, batch_size=200), X[0], 40, x_steps=200, spread=spread)
    assert (np.abs(mean - (X[0] ** 2 + sigma**2) / 2) < 4 * error).all()
    assert (error < 0.1 * sigma**2).all()


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_a_seed_gives_the_same_mask_for_any_batch_size_and_number_of_inputs(size, spread):
    options = {"seed": 5, "x_steps": 7, "spread": spread, "x_baseline": [0.0, X[2] / 2, "min"]}
    alone = [GradientSHAP(cubic(), 0, batch_size=7).GetMask(x, **options) for x in X]
    adapter = cubic()
    together = GradientSHAP(adapter, 0, batch_size=size).GetMasks(X, **options)
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    assert max(adapter.passes) <= size
    assert sum(adapter.passes) == 3 * 7


def test_each_input_has_its_own_target():
    masks = GradientSHAP(linear(W)).GetMasks(X, y=[1, 0, [0, 1]])
    np.testing.assert_allclose(masks, [W[1] * X[0], W[0] * X[1], W.sum(0) * X[2]])
    np.testing.assert_allclose(GradientSHAP(linear(W)).GetMasks([X[0]] * 2, y=[0, 1]), W * X[0])


def test_seeds_differ_and_no_seed_leaves_numpy_s_generator_alone():
    before = np.random.get_state()[1].copy()
    masks = [GradientSHAP(cubic(), 0).GetMask(X[0], x_steps=2, seed=seed) for seed in (0, 1, None, None)]
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_table_of_baselines():
    pd = pytest.importorskip("pandas")
    rows = RNG.normal(size=(40, 3))
    weights = RNG.normal(size=(1, 3))
    table = pd.DataFrame(rows, columns=list("abc"))
    x = np.array([1.0, 2.0, 3.0])
    masks = [GradientSHAP(linear(weights), 0).GetMask(x, x_baseline=given, seed=1) for given in (table, rows)]
    np.testing.assert_array_equal(*masks)
    assert (np.abs(masks[0] - weights[0] * (x - rows.mean(0))) < 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_steps": 0}, r"`x_steps` \(=0\) must be a whole number, 1 or more"),
        ({"spread": -0.1}, r"`spread` \(=-0.1\) must be a finite number, from 0 to 1e\+06"),
        ({"seed": -1}, r"`seed` \(=-1\) must be a whole number"),
        ({"x_baseline": []}, r"`x_baseline` \(length 0\) must hold at least one baseline"),
        ({"x_baseline": [0, "gray"]}, r"`x_baseline\[1\]` \(='gray'\) must be a number, an array, or one of"),
        ({"x_baseline": [np.zeros((2, 3, 4)), np.zeros((2, 3, 3))]}, r"`x_baseline\[1\]` \(shape \(2, 3, 3\)\) must have"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        GradientSHAP(linear(W), 0).GetMask(X[0], **options)
