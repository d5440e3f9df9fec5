"""Baselines, read from GradientSHAP of a linear function, which is x - baseline."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

import saliency
from saliency import GradientSHAP
from tests.reference import linear, quadratic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 12, 24))


def baseline(spelling, x=X[0], channel_axis=0):
    adapter = linear(np.ones((1, *x.shape)))
    adapter.channel_axis = channel_axis
    return x - GradientSHAP(adapter, 0).GetMask(x, x_baseline=spelling, x_steps=1)


SPELLINGS = {
    "None": (None, 0.0),
    "a number": (0.25, 0.25),
    "a whole number": (3, 3.0),
    "an array": (X[1], X[1]),
    "an array's list": (X[1].tolist(), X[1]),
    "one for each channel": (np.array([1, 2, 3]).reshape(3, 1, 1), np.array([1.0, 2, 3]).reshape(3, 1, 1)),
    "a row": (X[1, 0, 0], X[1, 0, 0]),
    "one picture for all channels": (X[1, :1], X[1, :1]),
    "mean": ("mean", X[0].mean((1, 2), keepdims=True)),
    "min": ("min", X[0].min()),
    "max": ("max", X[0].max()),
    "a list of one": (["max"], X[0].max()),
    "an array of one": (X[1:], X[1]),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_forms_of_a_baseline(name):
    spelling, expected = SPELLINGS[name]
    np.testing.assert_allclose(baseline(spelling), np.broadcast_to(expected, X[0].shape), atol=1e-12)


def test_a_blur_is_as_wide_as_a_twelfth_of_each_axis():
    x = np.zeros((1, 120, 240))
    x[0, 60, 120] = 1.0
    found, scipy_s = (
        blur[0, 40:81, 80:161] for blur in (baseline("blur", x), ndimage.gaussian_filter(x, (0, 10, 20), truncate=6))
    )
    np.testing.assert_allclose(found, scipy_s, atol=1e-4 * scipy_s.max())  # far from the borders


@pytest.mark.filterwarnings("ignore:the mask of input:saliency.ZeroGradientWarning")  # as there is nothing to blur
@pytest.mark.parametrize("kind", ["blur", "mean"])
def test_blur_and_mean_keep_channels_apart_and_do_not_darken_the_border(kind):
    steps = np.array([1.0, -2.0, 5.0])
    first, last = np.broadcast_to(steps[:, None, None], X[0].shape), np.broadcast_to(steps, (12, 24, 3))
    np.testing.assert_allclose(baseline(kind, first), first, rtol=1e-12)
    np.testing.assert_allclose(baseline(kind, last, -1), last, rtol=1e-12)
    turned = baseline(kind, X[0].transpose(1, 2, 0), -1).transpose(2, 0, 1)
    np.testing.assert_allclose(turned, baseline(kind), rtol=1e-9, atol=1e-12)


def test_without_a_channel_axis_all_axes_are_space():
    flat = X[0, 0]
    np.testing.assert_allclose(baseline("mean", flat, None), np.full(flat.shape, flat.mean()))
    np.testing.assert_allclose(baseline("blur", flat, None), baseline("blur", flat[None])[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(baseline("mean", flat[0]), np.full(24, flat[0].mean()))  # a row of a table, a signal


def test_image_baselines():
    pixels = RNG.integers(0, 256, (12, 24, 3), dtype=np.uint8)
    np.testing.assert_allclose(baseline(Image.fromarray(pixels)), pixels.transpose(2, 0, 1))
    np.testing.assert_allclose(baseline(Image.fromarray(pixels), X[0].transpose(1, 2, 0), -1), pixels)
    gray = Image.fromarray(pixels[..., 0])
    np.testing.assert_allclose(baseline(gray), np.broadcast_to(pixels[..., 0], X[0].shape))
    np.testing.assert_allclose(baseline(gray, X[0, 0], None), pixels[..., 0])


def several(spelling, x=X[0] + 1):
    """Return the set of the corner values of the baselines that 60 samples draw."""
    return {round(float(corner), 9) for corner in (baseline_of_seed(spelling, x, seed) for seed in range(60))}


def baseline_of_seed(spelling, x, seed):
    mask = GradientSHAP(linear(np.ones((1, *x.shape))), 0).GetMask(x, x_baseline=spelling, x_steps=1, seed=seed)
    return (x - mask).ravel()[0]


def test_several_baselines():
    pixels = RNG.integers(0, 256, (3, 12, 24), dtype=np.uint8)
    corners = {round(float(one), 9) for one in X[:, 0, 0, 0]}
    assert several(X) == several(list(X)) == several(tuple(X)) == several(X.tolist()) == corners
    assert several([0, 1.5]) == {0.0, 1.5}
    assert several([None, "max", X[1]]) == {0.0, round(float(X[0].max() + 1), 9), round(float(X[1, 0, 0, 0]), 9)}
    assert several([Image.fromarray(gray) for gray in pixels[:2]], X[0, :1]) == set(pixels[:2, 0, 0].astype(float))
    torch = pytest.importorskip("torch")
    assert several(list(torch.tensor(X))) == several(torch.tensor(X)) == corners


def test_numbers_in_the_input_s_shape_are_one_baseline():
    row = np.arange(4.0)
    np.testing.assert_array_equal(baseline(row.tolist(), row + 7), row)
    assert several([row.tolist(), (row + 9).tolist()], row + 7) == {0.0, 9.0}


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        ("median", r"`x_baseline` \(='median'\) must be a number, an array, or one of blur, mean, min, max"),
        (
            np.zeros((3, 12, 23)),
            r"`x_baseline` \(shape \(3, 12, 23\)\) must have the input's shape \(3, 12, 24\), or broadcast",
        ),
        (np.zeros(3), r"`x_baseline` \(shape \(3,\)\) must have the input's shape"),
        (np.zeros((1, 1, 3, 12, 24)), r"`x_baseline` \(shape \(1, 1, 3, 12, 24\)\) must have"),
        (np.zeros((0, 3, 12, 24)), r"`x_baseline` \(length 0\) must hold at least one baseline"),
        ([], r"`x_baseline` \(length 0\) must hold at least one baseline"),
        ([0, np.zeros(5)], r"`x_baseline\[1\]` \(shape \(5,\)\) must have"),
        ([0, "gray"], r"`x_baseline\[1\]` \(='gray'\) must be"),
        (float("inf"), r"`x_baseline` holds 1 of 1 values that are NaN or infinite"),
        (object(), r"`x_baseline` \(object of object\) must be an array of real numbers"),
    ],
)
def test_invalid_baselines_raise(spelling, message):
    with pytest.raises(saliency.InputError, match=message):
        baseline(spelling)


def test_targets_that_share_an_input_may_have_baselines_of_their_own():
    x = np.ones((3, 2, 2))
    baselines = saliency.PerSample([0 * x, 0 * x + 0.5])
    masks = saliency.IntegratedGradients(quadratic([1, 3])).GetMasks([x, x], y=[0, 1], x_baseline=baselines)
    np.testing.assert_allclose(masks.sum(axis=(1, 2, 3)), [6, 3 * 12 * (1 - 0.25) / 2])
