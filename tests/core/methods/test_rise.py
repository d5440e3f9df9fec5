"""Compare RISE with expectations over its masks, built with torch.nn.functional.interpolate."""

import numpy as np
import pytest

import saliency
from saliency import RISE
from tests.core.methods.forward_adapter import ForwardAdapter

RNG = np.random.default_rng(0)
SHAPE = (2, 6, 9)
X = RNG.normal(size=(3, *SHAPE))
W = RNG.normal(size=(2, *SHAPE))


def linear(x):
    return x.reshape(len(x), -1) @ W.reshape(2, -1).T


def masks_of(shape=SHAPE, channel_axis=0, **options):
    """Return the masks of RISE, (masks, *shape), from the inputs of a white image."""
    model = ForwardAdapter(lambda x: x.reshape(len(x), -1).sum(1), channel_axis, keep_inputs=True)
    RISE(model, 0, batch_size=100).GetMask(np.ones(shape), **options)
    return np.concatenate(model.inputs)


def test_masks_are_between_0_and_1_and_show_the_chosen_part():
    for keep in (0.2, 0.5, 0.9):
        masks = masks_of(nmasks=3000, keep=keep, seed=1, cells=3)
        assert masks.min() == 0 and masks.max() == 1
        np.testing.assert_array_equal(masks[:, 0], masks[:, 1])  # all channels alike
        error = np.sqrt(keep * (1 - keep) / 3000)  # of a pixel that is always 0 or 1, the widest there is
        assert np.abs(masks.mean(0) - keep).max() < 4.5 * error
        assert masks[:, 0].std(axis=0).min() > 0


def test_masks_are_enlarged_linearly_and_shifted_by_up_to_a_cell():
    masks = masks_of((1, 24), nmasks=500, cells=4, seed=0)[:, 0]
    steps = np.diff(masks, axis=1)
    assert np.abs(steps).max() <= 4 / 24 + 1e-12  # a change takes a cell, (4 + 1) * 6 pixels for 4 of them: less than 1 / 5
    corners = {int(at) % 6 for row in steps for at in np.flatnonzero(np.abs(np.diff(row)) > 1e-9)}
    assert len(corners) == 6  # the grid has no place of its own


def expected_of_linear(x, w, keep, cells):
    """sum_j w_j x_j cov(mask_i, mask_j) / keep, over grids and shifts; the grid's axes are independent."""
    functional = pytest.importorskip("torch.nn.functional")
    import torch

    together = []
    for length in x.shape[1:]:
        wide = -(-length // cells)
        enlarge = functional.interpolate(torch.eye(cells)[None], (cells + 1) * wide, mode="linear")[0].numpy()  # (cells, long)
        together.append(np.mean([enlarge[:, i : i + length].T @ enlarge[:, i : i + length] for i in range(wide)], axis=0))
    return (1 - keep) * np.einsum("cij,ik,jl->kl", w * x, *together)


@pytest.mark.parametrize(("keep", "cells", "control_variate"), [(0.5, 3, False), (0.3, 2, False), (0.3, 2, True)])
def test_a_linear_function_s_map_is_its_contributions_smoothed_by_the_masks_covariance(keep, cells, control_variate):
    cover = np.array([0.5, -1.0]).reshape(2, 1, 1)
    mask = RISE(
        ForwardAdapter(linear), 1, batch_size=500, keep=keep, cells=cells, value=cover, control_variate=control_variate
    )
    found = np.array([mask.GetMask(X[0], nmasks=500, seed=seed)[0] for seed in range(30)])
    expected = expected_of_linear(X[0] - cover, W[1], keep, cells)
    error = found.std(axis=0, ddof=1) / np.sqrt(30)
    assert np.abs(expected).max() > 20 * error.max()
    assert np.abs(found.mean(0) - expected).max() < 4 * error.max()


def test_one_cell_is_all_or_nothing():
    def f(x):
        return np.exp(linear(x) / 5)

    model = ForwardAdapter(f, keep_inputs=True)
    cover = np.full(SHAPE, 0.3)
    options = {"nmasks": 40, "cells": 1, "seed": 3, "keep": 0.4, "value": 0.3}
    mask = RISE(model, 0, control_variate=False).GetMask(X[0], **options)
    shown = np.array([np.abs(x - cover).max() > 1e-9 for batch in model.inputs for x in batch])
    assert 0 < shown.sum() < 40
    gain = (f(X[:1]) - f(cover[None]))[0, 0]
    np.testing.assert_allclose(mask, np.full(SHAPE, (1 - shown.mean()) * gain), rtol=1e-9)
    controlled = RISE(model, 0).GetMask(X[0], **options)  # a function of one cell is linear
    np.testing.assert_allclose(controlled, np.full(SHAPE, (1 - 0.4) * gain), rtol=1e-4)


def test_a_pixel_without_influence_gets_about_zero():
    x = np.ones((1, 4, 40))
    masks = np.array([RISE(ForwardAdapter(lambda x: np.tanh(x[:, :, :, :5].sum((2, 3)) - 9)), 0).GetMask(x, nmasks=400, seed=seed, cells=5)[0] for seed in range(8)])  # fmt: skip
    far, near = masks[:, :, 25:], masks[:, :, :5]  # more than two cells of 8 from any that counts
    assert near.mean() > 0.3
    assert np.abs(far.mean(0)).max() < 5 * far.std(axis=0).max() / np.sqrt(8) < 0.1
    assert abs(far.mean()) < 0.02


@pytest.mark.parametrize(("size", "control_variate"), [(1, True), (3, True), (100, True), (3, False)])
def test_a_seed_gives_the_same_mask_for_any_batch_size_and_number_of_inputs(size, control_variate):
    options = {"seed": 7, "nmasks": 30, "control_variate": control_variate}
    alone = [RISE(ForwardAdapter(linear), batch_size=30).GetMasks(x[None], y=[y], **options)[0] for x, y in zip(X, (1, 0, 1), strict=True)]  # fmt: skip
    model = ForwardAdapter(linear)
    together = RISE(model, batch_size=size).GetMasks(X, y=[1, 0, 1], **options)
    np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-12)
    assert max(model.batch_sizes) <= size
    assert sum(model.batch_sizes) == 3 * 30


def test_the_first_masks_do_not_depend_on_their_number():
    few, many = masks_of(nmasks=20, seed=4, cells=2), masks_of(nmasks=50, seed=4, cells=2)
    np.testing.assert_array_equal(many[:20], few)
    assert len({mask.tobytes() for mask in many}) > 25


def test_seeds_differ_and_no_seed_leaves_numpy_s_generator_alone():
    before = np.random.get_state()[1].copy()
    masks = [RISE(ForwardAdapter(linear), 0).GetMask(X[0], nmasks=50, seed=seed) for seed in (0, 1, None, None)]
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    ("shape", "channel_axis"), [((11,), 0), ((2, 20), 0), ((9, 8), None), ((9, 8, 2), -1), ((1, 4, 5, 6), 0), ((5, 6), None)]
)
def test_inputs_of_any_shape_are_covered_along_their_spatial_axes(shape, channel_axis):
    masks = masks_of(shape, channel_axis, nmasks=40, cells=3, seed=0)
    assert masks.shape == (40, *shape)
    if channel_axis is not None and len(shape) > 1:
        np.testing.assert_array_equal(masks, np.broadcast_to(masks.take([0], channel_axis % len(shape) + 1), masks.shape))
    axes = [axis for axis in range(len(shape)) if len(shape) == 1 or channel_axis is None or axis != channel_axis % len(shape)]
    for axis in axes:
        assert np.abs(np.diff(masks, axis=axis + 1)).max() > 0.1


def test_more_cells_than_pixels():
    masks = masks_of((1, 3, 3), nmasks=2000, cells=20, seed=0)
    assert np.abs(masks.mean(0) - 0.5).max() < 0.05


def test_smoothing_runs_it_on_noisy_copies():
    mask = RISE(ForwardAdapter(linear), 1, seed=2, nmasks=30)
    still = mask.GetMask(X[0])
    np.testing.assert_allclose(mask.GetSmoothedMask(X[0], stdev_spread=0, nsamples=3, magnitude=False), still, rtol=1e-9)
    assert np.abs(mask.GetSmoothedMask(X[0], nsamples=3, magnitude=False) - still).max() > 1e-3


def test_the_score_s_offset_does_not_count():
    def on_torch(offset):
        torch = pytest.importorskip("torch")
        layer = torch.nn.Linear(108, 1)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(W[:1].reshape(1, -1)))
            layer.bias.fill_(offset)
        return RISE(torch.nn.Sequential(torch.nn.Flatten(), layer), 0).GetMask(X[0], nmasks=300, seed=0)

    assert on_torch(0).dtype == np.float32
    assert np.abs(on_torch(100) - on_torch(0)).max() < 1e-3 * np.abs(on_torch(0)).max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nmasks": 1}, r"`nmasks` \(=1\) must be a whole number, 2 or more"),
        ({"nmasks": 0, "control_variate": False}, r"`nmasks` \(=0\) must be a whole number, 1 or more"),
        ({"nmasks": 2.0}, r"`nmasks` \(=2.0\) must be a whole number"),
        (
            {"nmasks": 1, "seed": 0, "control_variate": False},
            r"`nmasks` \(=1\) is too small: \d+ of 54 pixels are visible in none",
        ),
        ({"cells": 0}, r"`cells` \(=0\) must be a whole number, 1 or more"),
        ({"cells": (3, 3)}, r"`cells` \(=\(3, 3\)\) must be a whole number"),
        ({"keep": 0}, r"`keep` \(=0\) must be a number between 0 and 1"),
        ({"keep": 1.0}, r"`keep` \(=1.0\) must be a number between 0 and 1"),
        ({"keep": float("nan")}, r"`keep` \(=nan\) must be"),
        ({"keep": True}, r"`keep` \(=True\) must be"),
        ({"keep": "half"}, r"`keep` \(='half'\) must be"),
        ({"control_variate": 1}, r"`control_variate` \(=1\) must be"),
        ({"tolerance": 0}, r"`tolerance` \(=0\) must be a finite number above 0"),
        ({"tolerance": 0.1, "max_masks": 100}, r"`max_masks` \(=100\) must not be less than `nmasks` \(=2000\)"),
        ({"max_masks": 0}, r"`max_masks` \(=0\) must be a whole number, 1 or more"),
        ({"seed": -1}, r"`seed` \(=-1\) must be a whole number, 0 or more"),
        ({"seed": 0.5}, r"`seed` \(=0.5\) must be"),
        ({"value": "gray"}, r"`value` \(='gray'\) must be a number, an array, or one of"),
        ({"value": np.zeros((2, 6, 8))}, r"`value` \(shape \(2, 6, 8\)\) must have the input's shape \(2, 6, 9\)"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(saliency.InputError, match=message):
        RISE(ForwardAdapter(linear), 0).GetMask(X[0], **options)


def test_keep_is_any_real_number():
    masks = [RISE(ForwardAdapter(linear), 0).GetMask(X[0], nmasks=50, seed=0, keep=keep) for keep in (0.5, np.float32(0.5))]
    np.testing.assert_array_equal(*masks)
