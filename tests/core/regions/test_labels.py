"""Regions of inputs: what a user may pass, and labels that do not fit."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import FeatureAblation, KernelSHAP, PerSample
from saliency.core.regions.felzenszwalb import felzenszwalb_labels
from saliency.core.regions.segmentation import grid_labels
from tests.core.methods.forward_adapter import ForwardAdapter

RNG = np.random.default_rng(0)
BLOCKS = np.kron(np.arange(6).reshape(2, 3), np.ones((10, 10), int))
X = np.stack([RNG.uniform(size=(6, 3))[BLOCKS], RNG.uniform(size=(3, 3))[BLOCKS % 3]]).transpose(0, 3, 1, 2)  # 6 and 3 colors
WEIGHTS = RNG.normal(size=(2, X[0].size))


def linear(x):
    return x.reshape(len(x), -1) @ WEIGHTS.T


def contributions(x, labels, y):
    """Return the sum of the contributions of each region of a linear function, at each position."""
    by_position = (x.ravel() * WEIGHTS[y]).reshape(x.shape).sum(0)
    return np.bincount(labels.ravel(), by_position.ravel())[labels]


@pytest.fixture
def mask():
    return FeatureAblation(ForwardAdapter(linear), 1, batch_size=8)


def test_an_array_a_picture_and_a_callable_give_the_same_regions(mask):
    forms = [BLOCKS, BLOCKS.astype(np.float32), Image.fromarray(BLOCKS.astype(np.uint8)), BLOCKS.tolist(), lambda _: BLOCKS]
    for form in forms:
        found = mask.GetMask(X[0], regions=form)
        np.testing.assert_allclose(found, np.broadcast_to(contributions(X[0], BLOCKS, 1), X[0].shape), rtol=1e-9)
        np.testing.assert_array_equal(found.details["labels"], BLOCKS)
        np.testing.assert_allclose(found.details["region_values"][BLOCKS], found[0], rtol=1e-12)


def test_labels_of_an_atlas_are_counted_from_0_in_their_order(mask):
    found = mask.GetMask(X[0], regions=np.array([7, 0, 900, 31, 8, 40])[BLOCKS])
    np.testing.assert_array_equal(found.details["labels"], np.array([1, 0, 5, 3, 2, 4])[BLOCKS])


def test_a_grid_has_even_cells_along_each_axis(mask):
    found = mask.GetMask(X[0], regions="grid", n_regions=9)
    rows, columns = np.arange(20) * 3 // 20, np.arange(30) * 3 // 30
    np.testing.assert_array_equal(found.details["labels"], 3 * rows[:, None] + columns)
    assert grid_labels((4, 6), 2).tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2
    assert grid_labels((2, 3), None).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mask.GetMask(X[0]).details["region_values"].shape == (49,)


def test_inputs_of_any_shape():
    for shape, axis in (((40,), 0), ((2, 30), 0), ((9, 8), None), ((9, 8, 2), -1), ((1, 8, 8, 8), 0)):
        x = RNG.normal(size=shape)
        found = FeatureAblation(ForwardAdapter(lambda x: x.reshape(len(x), -1).sum(1)[:, None], axis), 0).GetMask(
            x, n_regions=8
        )
        np.testing.assert_allclose(found.details["region_values"].sum(), x.sum(), rtol=1e-9)


def _within(x, labels):
    """Return the variance of the colors (3, H, W) within the regions."""
    return sum(np.var(x[:, labels == label], axis=1).sum() * (labels == label).sum() for label in np.unique(labels))


def test_superpixels_and_segments_follow_the_colors(mask):
    pytest.importorskip("skimage")
    for regions in ("slic", "felzenszwalb"):
        found = mask.GetMasks(1000 * X - 300, regions=regions)  # in any units
        for x, labels in zip(X, found.details["labels"], strict=True):
            assert len(np.unique(labels)) == labels.max() + 1 and labels.min() == 0
            assert labels.max() < 70 and _within(x, labels) < 0.5 * _within(x, grid_labels((20, 30), 7))


def test_inputs_with_other_numbers_of_regions_have_the_maps_they_have_alone(mask):
    labels = [BLOCKS, BLOCKS % 3]
    together = mask.GetMasks(X, y=[1, 0], regions=PerSample(labels))
    for i, y in enumerate((1, 0)):
        np.testing.assert_allclose(together[i][0], contributions(X[i], labels[i], y), rtol=1e-9)
        np.testing.assert_array_equal(together[i].details["labels"], labels[i])
    assert np.isnan(together.details["region_values"][1, 3:]).all()  # filled up
    assert np.isfinite(together.details["region_values"][0]).all()
    apart = FeatureAblation(ForwardAdapter(linear), 1, batch_size=1).GetMasks(X, y=[1, 0], regions=PerSample(labels))
    np.testing.assert_allclose(apart, together, rtol=1e-9)
    np.testing.assert_allclose(apart.details["region_values"], together.details["region_values"], rtol=1e-9)


def test_several_targets_of_an_input_share_its_passes_unless_their_regions_differ():
    for regions, passes in ((BLOCKS, 1 + 6), (PerSample([BLOCKS, 5 - BLOCKS]), 2 + 12)):
        model = ForwardAdapter(linear)
        found = FeatureAblation(model, batch_size=50).GetMasks([X[0], X[0]], y=[0, 1], regions=regions)
        for y in (0, 1):
            np.testing.assert_allclose(found[y][0], contributions(X[0], BLOCKS, y), rtol=1e-9)
        assert sum(model.batch_sizes) == passes


def test_a_hidden_region_holds_the_baseline_and_others_are_untouched():
    model = ForwardAdapter(linear, keep_inputs=True)
    FeatureAblation(model, 0, batch_size=10).GetMask(X[0], regions=BLOCKS, value="mean")
    seen = np.concatenate(model.inputs)[1:]
    for region, one in enumerate(seen):
        hidden = region == BLOCKS
        np.testing.assert_array_equal(one[:, ~hidden], X[0][:, ~hidden])
        np.testing.assert_allclose(one[:, hidden], np.repeat(X[0].mean((1, 2))[:, None], hidden.sum(), 1), rtol=1e-12)


def test_smoothing_runs_on_noisy_copies():
    mask = KernelSHAP(ForwardAdapter(linear), 1, seed=2, nmasks=60, regions=BLOCKS)
    still = mask.GetMask(X[0])
    np.testing.assert_allclose(mask.GetSmoothedMask(X[0], stdev_spread=0, nsamples=3, magnitude=False), still, rtol=1e-9)
    assert np.abs(mask.GetSmoothedMask(X[0], nsamples=3, magnitude=False) - still).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions": BLOCKS[1:]}, r"`regions` \(labels of shape \(19, 30\)\) must have the lengths .* \(20, 30\)"),
        ({"regions": BLOCKS - 1}, r"`regions` \(label -1\) must hold labels of 0 or more"),
        ({"regions": BLOCKS * 0 + 4}, r"`regions` \(labels\) must divide each input into 2 regions or more"),
        ({"regions": BLOCKS + 0.5}, r"`regions` \(dtype float64\) must hold whole numbers"),
        ({"regions": np.full(BLOCKS.shape, np.nan)}, r"`regions` \(dtype float64\) must hold whole numbers"),
        ({"regions": (BLOCKS - 2).astype("f2")}, r"`regions` \(label -2\) must hold labels of 0 or more"),
        ({"regions": BLOCKS + 1e300}, r"`regions` \(label 1e\+300\) must hold labels from 0 to 9007199254740992"),
        (
            {"regions": BLOCKS.astype("u8") + 2**63},
            r"`regions` \(label 92233\d*\) must hold labels from 0 to 9007199254740992",
        ),
        ({"regions": int}, r"`regions` \(=<class 'int'>\) failed for a picture of shape \(20, 30, 3\): TypeError: "),
        ({"regions": "watershed"}, r"`regions` \(='watershed'\) must be one of \"grid\", \"slic\", \"felzenszwalb\""),
        ({"regions": None}, r"`regions` \(dtype object\) must hold whole numbers"),
        ({"regions": lambda _: BLOCKS.T}, r"`regions` \(labels of shape \(30, 20\)\)"),
        ({"regions": "grid", "n_regions": 1}, r"`n_regions` \(=1\) must be a whole number, 2 or more"),
        ({"regions": BLOCKS, "n_regions": 6}, r"`n_regions` \(=6\) is an option of regions=\"grid\" and \"slic\" only"),
        ({"regions": PerSample([BLOCKS] * 2)}, r"`regions` \(=PerSample\(2 values\)\) must hold one value for each"),
    ],
)
def test_invalid_regions_raise(mask, options, message):
    with pytest.raises(saliency.InputError, match=message):
        mask.GetMask(X[0], **options)


def test_pictures_that_cannot_be_divided_raise(mask):
    pytest.importorskip("skimage")
    for regions in ("slic", "felzenszwalb"):
        line = FeatureAblation(ForwardAdapter(lambda x: x.sum(1)[:, None]), 0)
        with pytest.raises(saliency.InputError, match=f'`regions` \\(="{regions}"\\) divides a picture.* 1 spatial axes'):
            line.GetMask(np.ones(20), regions=regions)
    with pytest.raises(saliency.InputError, match=r'`regions` \(="felzenszwalb"\) must divide each input into 2 regions'):
        mask.GetMask(np.ones_like(X[0]), regions="felzenszwalb")


def test_a_picture_of_many_channels_is_divided_without_a_warning():
    pytest.importorskip("skimage")
    x = np.zeros((224, 224, 8))
    x[:, 112:] = 1
    (labels,) = felzenszwalb_labels(x, [50])
    assert len(np.unique(labels[:, :108])) == len(np.unique(labels[:, 116:])) == 1 and labels[0, 0] != labels[0, -1]


def test_a_partial_of_a_segmentation_is_a_callable(mask):
    slic = pytest.importorskip("skimage.segmentation").slic
    found = mask.GetMask(X[0], regions=partial(slic, n_segments=4, start_label=1))
    assert found.details["labels"].min() == 0 and found.details["labels"].max() >= 3
