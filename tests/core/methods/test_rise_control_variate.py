"""RISE with a control variate: exact expectations over all masks of a small input, standard errors, and the tolerance."""

import functools
from itertools import product

import numpy as np
import pytest

from saliency import RISE, ToleranceWarning
from saliency.core.methods.random_masks import MaskFeatures, MaskSum, RandomMasks
from saliency.core.methods.rise_estimate import controlled_estimate, plain_estimate
from saliency.core.noise import sample_seeds
from tests.core.methods.forward_adapter import ForwardAdapter

SHAPE, CELLS = (4, 3), 2
RNG = np.random.default_rng(0)
W, V = RNG.normal(size=(2, *SHAPE))
X = RNG.normal(size=(2, *SHAPE)) + 1.0
SEEDS = range(120)


def linear(x):
    return (x * W).sum((1, 2)) + 5.0


def nonlinear(x):
    return np.tanh((x * W).sum((1, 2))) * (x * V).sum((1, 2)) + np.maximum(x[:, 0, 0] * x[:, 2, 1], 0.3)


def parity(x):
    return np.sign(x[:, 0, 0] - 0.5 * X[0, 0, 0]) * np.sign(x[:, -1, -1] - 0.5 * X[0, -1, -1])


def all_masks(keep):
    """Return all masks (masks, *SHAPE) of CELLS cells along each axis, with their probabilities, by numpy.interp."""
    windows = []
    for length in SHAPE:
        width = -(-length // CELLS)
        centers = (np.arange((CELLS + 1) * width) + 0.5) * CELLS / ((CELLS + 1) * width) - 0.5
        enlarge = np.stack([np.interp(centers, np.arange(CELLS), one) for one in np.eye(CELLS)], axis=1)
        windows.append([enlarge[shift : shift + length] for shift in range(width)])
    grids = np.array(list(product((0.0, 1.0), repeat=CELLS**2)))
    chance = keep ** grids.sum(1) * (1 - keep) ** (CELLS**2 - grids.sum(1))
    pairs = list(product(*windows))
    masks = np.concatenate([down @ grids.reshape(-1, CELLS, CELLS) @ across.T for down, across in pairs])
    return masks, np.tile(chance, len(pairs)) / len(pairs)


def exact_map(function, x, keep):
    masks, chance = all_masks(keep)
    scores = function(masks * x)
    return np.tensordot(chance * (scores - chance @ scores), masks, 1) / keep


@functools.cache
def estimates(function, keep, nmasks, control_variate=True):
    """Return the maps (seeds, *SHAPE) and standard errors of many seeds, without the run of a mask."""
    masks, found = RandomMasks(list(SHAPE), CELLS, keep), []
    for seed in SEEDS:
        seeds = sample_seeds(seed, nmasks)
        scores = function(masks.render(masks.draw(seeds)) * X[0])[:, None]
        estimate = controlled_estimate if control_variate else plain_estimate
        found.append(estimate(masks, seeds, scores, errors=True))
    return np.array([one.map[0] for one in found]), np.array([one.error[0] for one in found])


def test_a_mask_is_the_estimate_of_its_seed():
    mask = RISE(ForwardAdapter(nonlinear, None), cells=CELLS, standard_error=True).GetMask(X[0], nmasks=40, seed=SEEDS[3])
    found, errors = estimates(nonlinear, 0.5, 40)
    np.testing.assert_allclose(mask, found[3], rtol=1e-9)
    np.testing.assert_allclose(mask.details["standard_error"], errors[3], rtol=1e-9)


@pytest.mark.parametrize("function", [linear, nonlinear])
@pytest.mark.parametrize(("keep", "nmasks"), [(0.5, 6), (0.3, 24)])
def test_the_estimate_is_unbiased(function, keep, nmasks):
    found, _ = estimates(function, keep, nmasks)
    expected, error = exact_map(function, X[0], keep), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.abs(expected).max() > 5 * error.max()
    assert np.abs((found.mean(axis=0) - expected) / error).max() < 4


@pytest.mark.parametrize(("function", "control_variate"), [(parity, True), (nonlinear, True), (nonlinear, False)])
def test_the_standard_error_is_that_of_repeated_runs(function, control_variate):
    found, errors = estimates(function, 0.5, 40, control_variate)
    assert np.sqrt((errors**2).mean(axis=0)) == pytest.approx(found.std(axis=0, ddof=1), rel=0.25)
    assert np.sqrt((errors**2).mean()) == pytest.approx(np.sqrt(found.var(axis=0, ddof=1).mean()), rel=0.12)


@pytest.mark.parametrize(("function", "largest"), [(linear, 0.05), (nonlinear, 0.85), (parity, 1.1)])
def test_the_error_is_smaller_than_that_of_the_mean_over_masks(function, largest):
    expected = exact_map(function, X[0], 0.5)
    ours, plain = ((estimates(function, 0.5, 40, used)[0] - expected) ** 2 for used in (True, False))
    assert np.sqrt(ours.mean() / plain.mean()) < largest


def test_the_tolerance_doubles_the_masks_of_each_input():
    mask = RISE(ForwardAdapter(lambda x: np.stack([linear(x), nonlinear(x)], axis=1), None), cells=CELLS, seed=3)
    found = mask.GetMasks(X, y=[0, 1], nmasks=16, tolerance=0.06)
    samples = found.details["samples"]
    assert samples[1] > samples[0] and set(samples) <= {16 * 2**i for i in range(11)}
    for i in range(2):
        alone = mask.GetMasks(X, y=[0, 1], nmasks=int(samples[i]), standard_error=True)[i]
        np.testing.assert_allclose(found[i], alone, rtol=1e-6)
        np.testing.assert_allclose(found.details["standard_error"][i], alone.details["standard_error"], rtol=1e-6)
        assert np.linalg.norm(alone.details["standard_error"]) <= 0.06 * np.linalg.norm(alone)
    half = mask.GetMasks(X, y=[0, 1], nmasks=int(samples[1]) // 2, standard_error=True)[1]
    assert np.linalg.norm(half.details["standard_error"]) > 0.06 * np.linalg.norm(half)


def test_a_tolerance_out_of_reach_warns():
    mask = RISE(ForwardAdapter(nonlinear, None), cells=CELLS, seed=0)
    with pytest.warns(ToleranceWarning, match=r"relative standard error after 100 masks is .*`max_masks` allows no further"):
        found = mask.GetMask(X[0], nmasks=32, tolerance=1e-3, max_masks=100)
    assert found.details["samples"] == 100


@pytest.mark.parametrize(("lengths", "cells"), [([11], 3), ([9, 6], 2), ([4, 5, 6], 2), ([3, 3], 20), ([40, 30], 18)])
def test_sums_and_covariances_are_those_of_the_rendered_masks(lengths, cells):
    masks = RandomMasks(lengths, cells, 0.4)
    draws, weights = masks.draw(range(4000)), np.random.default_rng(1).normal(size=(4000, 2))
    rendered, total, features = masks.render(draws), MaskSum(masks, 2), MaskFeatures(masks)
    total.add(draws, weights)
    np.testing.assert_allclose(total.total(), np.tensordot(weights.T, rendered, 1), rtol=1e-9, atol=1e-9)
    values = features(draws)
    assert values.shape == (4000, features.count) and features.count <= 256
    assert np.abs(values.mean(axis=0)).max() < 4 * values.std(axis=0).max() / np.sqrt(4000)
    coefficients = np.random.default_rng(2).normal(size=(features.count, 1))
    terms = (values @ coefficients).reshape(-1, *[1] * len(lengths)) * (rendered - 0.4)
    error = terms.std(axis=0) / np.sqrt(4000)
    assert (np.abs(features.covariance(coefficients)[0] - terms.mean(axis=0)) < 4.5 * error).all()
