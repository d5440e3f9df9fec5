"""Compare Occlusion with a loop over windows."""

import math

import numpy as np
import pytest
from scipy import ndimage

import saliency
from saliency import Occlusion
from tests.core.methods.occlusion_reference import RNG, X, adapter, by_hand, net


def test_the_last_row_and_column_are_covered_and_one_window_may_be_all():
    x = np.zeros((1, 5, 5))
    x[0, 4, 4] = 2.0
    mask = Occlusion(adapter(lambda x: x[:, 0, 4, 4:]), 0).GetMask(x, size=2)
    expected = np.zeros((1, 5, 5))
    expected[0, 3:, 3:] = 2.0  # one window of 2 x 2 reaches the corner
    np.testing.assert_array_equal(mask, expected)
    assert mask.details == {"score": 2.0, "incremental": False}  # what only the adapter of a framework can do
    whole = Occlusion(adapter(), 1).GetMask(X[0], size=(6, 7))
    np.testing.assert_allclose(whole, np.full((3, 6, 7), net(X[:1])[0, 1] - net(0 * X[:1])[0, 1]), rtol=1e-12)


def test_the_default_window_is_15_pixels_wide():
    x = RNG.normal(size=(1, 16, 17))
    f = lambda x: x.sum((2, 3))  # noqa: E731
    starts = [(row, column) for row in range(2) for column in range(3)]
    expected = np.zeros(x.shape)
    for row, column in starts:
        expected[:, row : row + 15, column : column + 15] += x[:, row : row + 15, column : column + 15].sum()
    np.testing.assert_allclose(Occlusion(adapter(f), 0).GetMask(x), expected, rtol=1e-10)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(
    ("size", "stride"),
    [
        (1, 1), (3, 1), ((3, 5), 1), ([5, 3], 2), (np.array([3, 5]), np.int64(2)), (2, 2), (3, (3, 2)), (3, 3), (4, (1, 4)),
        (6, 1), ((1, 7), (1, 9)),
    ],
)  # fmt: skip
def test_every_window_is_covered_in_turn(size, stride, average):
    mask = Occlusion(adapter(), 2).GetMask(X[0], size=size, stride=stride, average=average)
    np.testing.assert_allclose(mask, by_hand(X[0], 2, size, stride, average=average), rtol=1e-9, atol=1e-12)


def blurred(x):
    """Blur with Gaussian weights that sum to 1, also at the borders."""
    sigma = (0, x.shape[1] / 12, x.shape[2] / 12)
    blur = [ndimage.gaussian_filter(a, sigma, mode="constant", truncate=30, radius=(0, 9, 9)) for a in (x, np.ones_like(x))]
    return blur[0] / blur[1]


COVERS = {
    "a number": (0.7, 0.7),
    "None": (None, 0.0),
    "integers": (np.full((3, 6, 7), 2, np.uint8), 2.0),
    "one for each channel": (np.arange(3.0).reshape(3, 1, 1), np.arange(3.0).reshape(3, 1, 1)),
    "a list": ([[[1.0]], [[0.0]], [[-1.0]]], np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1)),
    "a row": (X[1, 0, 0], X[1, 0, 0]),
    "another input": (X[1], X[1]),
    "blur": ("blur", blurred(X[0])),
    "mean": ("mean", X[0].mean((1, 2), keepdims=True)),
    "min": ("min", X[0].min()),
    "max": ("max", X[0].max()),
}


@pytest.mark.parametrize("name", COVERS)
def test_what_covers_it(name):
    value, cover = COVERS[name]
    mask = Occlusion(adapter(), 3).GetMask(X[0], size=3, value=value)
    np.testing.assert_allclose(mask, by_hand(X[0], 3, 3, cover=cover), rtol=1e-9, atol=1e-12)


def test_named_covers_are_each_input_s_own():
    together = Occlusion(adapter(), 0).GetMasks(X, size=3, value="mean")
    for x, mask in zip(X, together, strict=True):
        np.testing.assert_allclose(mask, by_hand(x, 0, 3, cover=x.mean((1, 2), keepdims=True)), rtol=1e-9, atol=1e-12)


SHAPES = {
    "channels last": ((6, 7, 3), -1, (3, 4), (0, 1)),
    "channels in the middle": ((6, 3, 7), 1, (3, 4), (0, 2)),
    "no channels": ((9, 14), None, (3, 4), (0, 1)),
    "a row of a table": ((11,), 0, 2, (0,)),
    "a signal": ((3, 20), 0, 5, (1,)),
    "a signal, channels last": ((20, 3), -1, 5, (0,)),
    "a volume": ((2, 3, 4, 5), 0, (2, 3, 2), (1, 2, 3)),
    "all but no channels": ((2, 3, 4), None, (1, 2, 3), (0, 1, 2)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_inputs_of_any_shape(name):
    shape, channel_axis, size, space = SHAPES[name]
    x = RNG.normal(size=shape)
    mask = Occlusion(adapter(channel_axis=channel_axis), 1).GetMask(x, size=size, stride=2 if len(space) == 1 else 1)
    expected = by_hand(x, 1, size, 2 if len(space) == 1 else 1, space=space)
    assert mask.shape == shape
    np.testing.assert_allclose(mask, expected, rtol=1e-9, atol=1e-12)


def test_bytes_do_not_wrap():
    x = RNG.integers(0, 256, (3, 6, 7), dtype=np.uint8)
    mask = Occlusion(adapter(), 0).GetMask(x, size=4, value=200)
    np.testing.assert_allclose(mask, by_hand(x.astype(float), 0, 4, cover=200.0), rtol=1e-9, atol=1e-12)
    torch = pytest.importorskip("torch")
    total = Occlusion(torch.nn.Flatten(), list(range(126))).GetMask(torch.tensor(x), size=(6, 7), value=255)
    np.testing.assert_array_equal(total, np.full(x.shape, x.sum(dtype=float) - 255 * 126))


def test_a_constant_input_that_is_covered_by_itself_says_so():
    model = adapter(lambda x: x.sum((2, 3)))
    with pytest.warns(saliency.ZeroGradientWarning, match=r"input \[0\] is zero everywhere"):
        assert not Occlusion(model, 0).GetMask(np.full((3, 6, 7), 0.5), size=3, value="min").any()
    np.testing.assert_array_equal(Occlusion(model, 0).GetMask(np.full((3, 6, 7), 0.5), size=2, stride=2)[:, :, :5], 2.0)


def test_smoothing_is_the_mean_over_noisy_copies():
    model = adapter()
    noisy = []
    model.f = lambda x: (noisy.append(x), net(x))[1]
    whole = Occlusion(model, 1, batch_size=64).GetSmoothedMask(X[0], nsamples=3, magnitude=False, seed=2, size=(6, 7))
    copies = noisy[0]
    assert len(copies) == 3 and np.ptp(copies, axis=0).min() > 0
    expected = (net(copies)[:, 1] - net(np.zeros((1, 126)))[0, 1]).mean()
    np.testing.assert_allclose(whole, np.full((3, 6, 7), expected), rtol=1e-9)


def test_a_function_of_the_output_and_a_channel_of_a_layer():
    f = Occlusion(adapter(), lambda outputs: outputs[:, 1] ** 2 - outputs[:, 0])
    drop = lambda x: net(x)[:, 1] ** 2 - net(x)[:, 0]  # noqa: E731
    expected = drop(X[:1]) - drop(0 * X[:1])
    np.testing.assert_allclose(f.GetMask(X[0], size=(6, 7)), np.full((3, 6, 7), expected[0]), rtol=1e-9)
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    x = torch.tensor(X[:1], dtype=torch.float32)
    model(x)
    mask = Occlusion(model, ("0", 4)).GetMask(X[0], size=(6, 7))
    np.testing.assert_allclose(mask, np.full((3, 6, 7), model[0](x)[0, 4].mean().item()), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, r"`size` \(=8\) must not exceed the input's spatial axes \(6, 7\); its channels are on axis 0"),
        ({"size": (7, 2)}, r"`size` \(=\(7, 2\)\) must not exceed the input's spatial axes \(6, 7\)"),
        ({}, r"`size` \(=15\) must not exceed"),
        ({"size": 0}, r"`size` \(=0\) must be a whole number, 1 or more"),
        ({"size": -3}, r"`size` \(=-3\) must be a whole number, 1 or more"),
        ({"size": (3, 0)}, r"`size` \(=0\) must be a whole number"),
        ({"size": True}, r"`size` \(=True\) must be a whole number"),
        ({"size": 3.0}, r"`size` \(=3.0\) must be a whole number"),
        ({"size": "3"}, r"`size` \(='3'\) must be a whole number"),
        ({"size": (3,)}, r"`size` \(=\(3,\)\) must be one number, or one for each of the 2 spatial axes"),
        ({"size": [3, 3, 3]}, r"`size` \(=\[3, 3, 3\]\) must be one number, or one for each of the 2"),
        ({"size": 3, "stride": 0}, r"`stride` \(=0\) must be a whole number, 1 or more"),
        ({"size": 3, "stride": 1.5}, r"`stride` \(=1.5\) must be a whole number"),
        ({"size": 3, "stride": (1, 2, 3)}, r"`stride` \(=\(1, 2, 3\)\) must be one number, or one for each"),
        ({"size": 3, "stride": (1, 4)}, r"`stride` \(=\(1, 4\)\) must not exceed `size` \(=3\)"),
        ({"size": 3, "value": "median"}, r"`value` \(='median'\) must be a number, an array, or one of blur, mean, min, max"),
        ({"size": 3, "value": np.zeros((3, 6, 6))}, r"`value` \(shape \(3, 6, 6\)\) must have the input's shape \(3, 6, 7\)"),
        ({"size": 3, "value": np.zeros((1, 3, 6, 7))}, r"`value` \(shape \(1, 3, 6, 7\)\) must have the input's shape"),
        ({"size": 3, "value": np.zeros(3)}, r"`value` \(shape \(3,\)\) must have the input's shape"),
        ({"size": 3, "value": math.nan}, r"`value` holds 1 of 1 values that are NaN or infinite"),
        ({"size": 3, "value": {}}, r"`value` \(dict of object\) must be an array of real numbers"),
        ({"windows": 3}, r"`windows` is not an option of Occlusion"),
    ],
)
def test_invalid_options_raise(options, message):
    model = adapter()
    with pytest.raises(saliency.InputError, match=message):
        Occlusion(model, 0).GetMask(X[0], **options)
    assert not model.batch_sizes


def test_a_modifier_of_gradients_has_nothing_to_modify():
    with pytest.raises(
        saliency.InputError, match=r"`modifier` \(='absolute'\) modifies gradients, but Occlusion does not use gradients"
    ):
        Occlusion(adapter(), 0, modifier="absolute")


def test_an_output_that_is_nan_is_reported():
    model = adapter(lambda x: np.where(x.reshape(len(x), -1)[:, :1] > 100, np.nan, net(x)))
    with pytest.raises(saliency.GradientError, match=r"input \[1\] holds NaN or infinite values, as does the model's output"):
        Occlusion(model, 0).GetMasks([X[0], X[0] + 200], size=6)
