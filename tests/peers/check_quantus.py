"""Metrics against Quantus, on the same maps and the same network. `make test-peers` runs this file."""

import numpy as np
import pytest
import quantus

from saliency import Vanilla, metrics
from saliency.metrics.imputation import impute_linearly
from tests.peers.small_network import CLASSES, IMAGES, MAPS, OBJECTS, torch_network

MODEL = torch_network()
PLAIN = {"normalise": False, "abs": False, "disable_warnings": True, "display_progressbar": False}
FORMULAS = ["Sparseness", "Complexity"]


def theirs(metric, maps=MAPS, objects=None, **options):
    """Evaluate a metric of Quantus; it may write into the maps and needs a channel axis."""
    masks = None if objects is None else objects[:, None].copy()
    call = {"x_batch": IMAGES.copy(), "y_batch": CLASSES.copy(), "a_batch": maps[:, None].copy(), "s_batch": masks}
    return np.array(metric(model=MODEL, softmax=False, **call, **options), float)


@pytest.mark.parametrize("softmax", [False, True])
def test_deletion_is_pixel_flipping(softmax):
    metric = quantus.PixelFlipping(features_in_step=10, perturb_baseline=0.25, **PLAIN)
    call = {"x_batch": IMAGES.copy(), "y_batch": CLASSES.copy(), "a_batch": MAPS[:, None].copy()}
    expected = np.array(metric(model=MODEL, softmax=softmax, **call))
    ours = metrics.deletion(MODEL, IMAGES, MAPS, CLASSES.tolist(), steps=20, baseline=0.25, probability=softmax)
    np.testing.assert_allclose(ours.curve.y[:, 1:], expected, atol=1e-4)
    assert np.ptp(expected) > 0.05


@pytest.mark.parametrize("name", FORMULAS)
def test_concentration(name):
    expected = theirs(getattr(quantus, name)(**{**PLAIN, "abs": True}))
    np.testing.assert_allclose(getattr(metrics, name.lower())(MAPS).value, expected, atol=1e-4)


def test_localization():
    positive = np.abs(MAPS)
    for name, ours in (
        ("RelevanceMassAccuracy", metrics.mass_accuracy(positive, OBJECTS)),
        ("RelevanceRankAccuracy", metrics.rank_accuracy(positive, OBJECTS)),
        ("PointingGame", metrics.pointing_game(positive, OBJECTS, tolerance=0)),
    ):
        np.testing.assert_allclose(ours.value, theirs(getattr(quantus, name)(**PLAIN), positive, OBJECTS), atol=1e-4)


@pytest.mark.parametrize("fraction", [0.1, 0.6])
def test_the_imputation_of_road(fraction):
    from quantus.functions.perturb_func import noisy_linear_imputation

    indices = np.argsort(-MAPS[0].ravel())[: round(fraction * MAPS[0].size)]
    expected = noisy_linear_imputation(IMAGES[0].astype(float), indices, noise=0.0)
    removed = np.zeros(MAPS[0].size, bool)
    removed[indices] = True
    found = impute_linearly(np.moveaxis(IMAGES[0], 0, -1).astype(float), removed.reshape(MAPS[0].shape))
    np.testing.assert_allclose(np.moveaxis(found, -1, 0), expected, atol=1e-6)


def test_sensitivity_n_with_one_size_is_the_faithfulness_correlation():
    maps = Vanilla(MODEL).GetMasks(IMAGES, CLASSES.tolist())[:, 0] * IMAGES[:, 0]
    np.random.seed(0)
    metric = quantus.FaithfulnessCorrelation(
        nr_runs=600, subset_size=40, perturb_baseline=0.0, return_aggregate=False, **PLAIN
    )
    expected = theirs(metric, np.asarray(maps))
    found = metrics.sensitivity_n(MODEL, IMAGES, maps, CLASSES.tolist(), nsets=600, fractions=[0.2]).value
    errors = np.sqrt(2 / 600) * (1 - expected**2)  # each draws its own 600 sets
    assert expected.shape == (3,) and (np.abs(found - expected) < 4 * errors).all()


def test_randomized_classes():
    def explain(model, inputs, targets, **_):
        return np.array(Vanilla(model).GetMasks(inputs, [int(one) for one in targets]))

    metric = quantus.RandomLogit(num_classes=3, similarity_func=correlation, **{**PLAIN, "abs": True})
    maps = np.abs(explain(MODEL, IMAGES, CLASSES))[:, 0]
    expected = theirs(metric, maps, explain_func=explain)
    found = [metrics.random_logit(Vanilla(MODEL), IMAGES, CLASSES.tolist(), seed=seed) for seed in range(12)]
    for i, value in enumerate(expected):  # the class that Quantus drew is one of ours
        assert min(abs(one.value[i] - value) for one in found) < 1e-4


def correlation(a, b, batched=True):
    """Return Spearman's correlation of the magnitudes."""
    from scipy.stats import spearmanr

    return np.array([spearmanr(np.abs(one), np.abs(other))[0] for one, other in zip(a, b, strict=True)])
