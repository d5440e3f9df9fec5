"""Comparison of methods on a model that looks at one patch, which the perfect map must win."""

import functools

import numpy as np
import pytest

import saliency
from saliency import InputError
from saliency.metrics import compare, deletion

RNG = np.random.default_rng(0)
PATCH = np.zeros((12, 12))
PATCH[2:5, 6:10] = 1
BOX = (6, 2, 10, 5)
X = RNG.normal(0.5, 1, (20, 12, 12, 1)).astype(np.float32)


def looks_at_a_patch(x):
    inside = (x[..., 0] * PATCH).sum(axis=(1, 2))
    return np.stack([inside, -inside], axis=1)


MODEL = saliency.wrap(looks_at_a_patch, channel_axis=-1)
METHODS = {
    "fine": saliency.Occlusion(MODEL, size=1),
    "coarse": saliency.Occlusion(MODEL, size=5),
}


@pytest.fixture(scope="module")
def comparison():
    metrics = ["deletion", "mass_accuracy", "rank_accuracy", "sparseness"]
    return compare(MODEL, X, METHODS, metrics, objects=[BOX] * 20, seed=1)


def test_the_exact_method_wins_and_beats_its_controls(comparison):
    assert comparison.table.loc["fine", ("mass_accuracy", "mean")] == pytest.approx(1)
    assert comparison.table.loc["fine", ("rank_accuracy", "rank")] == 1
    assert comparison.table.loc["random", ("rank_accuracy", "mean")] == pytest.approx(12 / 144, abs=0.06)
    assert not [note for note in comparison.notes if "prefer fine" in note]
    rows = comparison.tests.set_index("metric")
    assert rows.loc["deletion", "difference"] < 0
    assert rows.loc["deletion", "corrected_p"] < 0.01


def test_intervals_hold_the_means(comparison):
    for metric in ("deletion", "mass_accuracy"):
        part = comparison.table[metric]
        assert ((part["low"] <= part["mean"] + 1e-12) & (part["mean"] <= part["high"] + 1e-12)).all()
        assert (part["n"] == 20).all()
    assert np.isnan(comparison.table.loc["fine", ("sparseness", "rank")])


def test_a_seed_repeats_every_number(comparison):
    again = compare(MODEL, iter(X), METHODS, ["deletion"], seed=1)
    wide = comparison.values[comparison.values["metric"] == "deletion"].reset_index(drop=True)
    assert wide.equals(again.values)
    assert again.table["deletion"].equals(comparison.table["deletion"])


def test_a_map_that_ignores_the_model_does_not_beat_its_controls():
    constant = saliency.wrap(lambda x: np.stack([x[..., 0].mean(axis=(1, 2))] * 2, axis=1), channel_axis=-1)
    found = compare(constant, X, {"coarse": saliency.Occlusion(constant, size=7)}, [functools.partial(deletion, steps=10)])
    assert any("coarse" in note and "random" in note for note in found.notes) or found.control_tests["difference"].min() < 0


def test_one_picture_has_no_interval():
    found = compare(MODEL, X[:1], METHODS, ["deletion"])
    assert np.isnan(found.table.loc["fine", ("deletion", "low")])


def test_figure_has_a_panel_for_each_metric(comparison):
    figure = comparison.figure()
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == list(comparison.directions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ["delete"]}, "one of insertion, deletion, road"),
        ({"metrics": ["pointing_game"]}, r"`objects` \(=None\)"),
        ({"metrics": []}, "at least one metric"),
        ({"methods": []}, "at least one mask"),
        ({"methods": [3]}, "must hold masks"),
        ({"methods": [METHODS["fine"]] * 2}, "Occlusion twice"),
        ({"pictures": iter([])}, "at least one input"),
        ({"y": [0, 1]}, r"`y` \(2 entries\)"),
    ],
)
def test_invalid_arguments_are_refused(arguments, message):
    given = {"pictures": X[:3], "methods": METHODS, **arguments}
    with pytest.raises(InputError, match=message):
        compare(MODEL, **given)


def test_inputs_without_two_spatial_axes_are_refused():
    signals = saliency.wrap(lambda x: x.sum(axis=1), channel_axis=0)
    with pytest.raises(InputError, match="must be images"):
        compare(signals, X[:3, :2, :, 0], {"occlusion": saliency.Occlusion(signals, size=3)})
