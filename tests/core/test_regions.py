"""Regions of dense outputs as targets."""

import numpy as np
import pytest

from saliency import Difference, InputError, Occlusion, Region, TargetError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 12, 16))
W = RNG.normal(size=(4, 3))
SQUARE = np.zeros((12, 16), bool)
SQUARE[2:7, 3:9] = True


def segmenter(x):
    """Return scores (N, 4, 6, 8), of every second pixel."""
    return np.einsum("kc,nchw->nkhw", W, x)[:, :, 1::2, 1::2]


OUT = segmenter(X[None])[0]
COARSE = SQUARE[1::2, 1::2]
TOP = OUT.argmax(axis=0)

TARGETS = [
    (Region(2, SQUARE), OUT[2][COARSE].mean(), "class 2 in a region"),
    (Region(2, SQUARE.tolist()), OUT[2][COARSE].mean(), "class 2 in a region"),
    (Region(1, COARSE), OUT[1][COARSE].mean(), "class 1 in a region"),
    (Region(1, COARSE * 2.0 + 1), (OUT[1] * (COARSE * 2 + 1)).sum() / (COARSE * 2 + 1).sum(), "class 1 in a region"),
    (Region(3, "argmax"), OUT[3][TOP == 3].mean(), "class 3 where it is the top class"),
    (Region(0, "peak"), OUT[0].max(), "class 0 at its peak"),
    (Region(2), OUT[2].mean(), "class 2"),
    (
        Difference(Region(2, SQUARE), Region(1, SQUARE)),
        (OUT[2] - OUT[1])[COARSE].mean(),
        "class 2 in a region rather than class 1 in a region",
    ),
    (
        Difference(Region(2, "argmax"), Region(0, SQUARE)),
        OUT[2][TOP == 2].mean() - OUT[0][COARSE].mean(),
        "class 2 where it is the top class rather than class 0 in a region",
    ),
    (Difference(Region(2, SQUARE), 1), OUT[2][COARSE].mean() - OUT[1].mean(), "class 2 in a region rather than class 1"),
    (Difference(Region(2), 1), OUT[2].mean() - OUT[1].mean(), "class 2 rather than class 1"),
    (1, OUT[1].mean(), "class 1"),
    (None, OUT.mean((1, 2)).max(), f"top class {OUT.mean((1, 2)).argmax()}"),
]


@pytest.mark.parametrize("batch_size", [1, 5, 32])
def test_the_score_is_the_mean_over_the_region(batch_size):
    ys, scores, names = zip(*TARGETS, strict=True)
    masks = Occlusion(segmenter, size=6, stride=6, batch_size=batch_size).GetMasks([X] * len(ys), y=list(ys))
    np.testing.assert_allclose(masks.details["score"], scores, rtol=1e-5, atol=1e-6)
    assert masks.about.targets == list(names)


def test_each_input_has_its_own_region():
    inputs = RNG.normal(size=(3, *X.shape))
    outputs = segmenter(inputs)
    masks = Occlusion(segmenter, size=6, stride=6).GetMasks(inputs, y=Region(1, "argmax"))
    expected = [out[1][out.argmax(axis=0) == 1].mean() for out in outputs]
    np.testing.assert_allclose(masks.details["score"], expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(6, 8), (5, 6, 8), (12,)])
def test_an_output_without_channels(shape):
    """Depth (N, rows, columns), and outputs with other numbers of axes."""
    values, weights = RNG.normal(size=shape), RNG.random(shape)
    model = lambda x: values * x.mean((1, 2, 3)).reshape(-1, *[1] * len(shape))  # noqa: E731
    ys = [Region(None), Region(None, weights), Region(None, "peak")]
    masks = Occlusion(model, size=6, stride=6).GetMasks([X + 2] * 3, y=ys)
    expected = np.array([values.mean(), (values * weights).sum() / weights.sum(), values.max()]) * (X + 2).mean()
    np.testing.assert_allclose(masks.details["score"], expected, rtol=1e-5)


def test_a_volume_has_regions():
    mask = RNG.random((4, 6, 8)) > 0.5
    x = RNG.normal(size=(1, 4, 6, 8))
    score = Occlusion(lambda x: np.concatenate([x, 2 * x], 1), Region(1, mask), size=4, stride=4).GetMask(x).details["score"]
    np.testing.assert_allclose(score, 2 * x[0][mask].mean(), rtol=1e-5)


def test_the_mask_is_copied():
    mask = SQUARE.astype(float)
    region = Region(2, mask)
    mask[:] = 1
    score = Occlusion(segmenter, region, size=6, stride=6).GetMask(X).details["score"]
    np.testing.assert_allclose(score, OUT[2][COARSE].mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cat",), TargetError, "`channel` .*whole number"),
        ((1, "largest"), InputError, '"argmax", "peak" or None'),
        ((1, SQUARE - 1.0), InputError, "weights of 0 or more"),
        ((1, np.zeros((12, 16))), InputError, "at least one of them above 0"),
        ((1, [[np.nan]]), InputError, "NaN"),
    ],
)
def test_an_invalid_region_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Region(*arguments)


SMALL = np.zeros((12, 16))
SMALL[0, 0] = 1


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Region(4, SQUARE), r"class or channel 4 is not in the model's output \(N, 4, 6, 8\)"),
        (
            Region(1, SQUARE.T),
            r"\(shape \(16, 12\)\) must have the spatial size of the output \(6, 8\) or of the input \(12, 16\)",
        ),
        (Region(1, SMALL), r"selects no position of the output \(6, 8\)"),
        (Region(None, "argmax"), "needs an output with several classes"),
        (Difference(Region(1, SQUARE), [1, 2]), "both sides of a Difference"),
        (("layer", Region(1, SQUARE)), "must be an int"),
    ],
)
def test_a_region_that_does_not_fit_is_refused(y, message):
    with pytest.raises(TargetError, match=message):
        Occlusion(segmenter, y).GetMask(X)


def test_a_class_without_positions_is_refused():
    with pytest.raises(TargetError, match="class 0 is the top class at no position"):
        Occlusion(lambda x: np.concatenate([x[:, :1] - 9, x[:, 1:]], 1), Region(0, "argmax")).GetMask(X.clip(-1, 1))
    with pytest.raises(TargetError, match="has no positions"):
        Occlusion(lambda x: x.mean((2, 3)), Region(0, "peak")).GetMask(X)


def test_an_input_mask_needs_the_aspect_ratio_of_the_output():
    """A function may return its channels last: the axes of an output are not guessed."""
    with pytest.raises(TargetError, match="another aspect ratio"):
        Occlusion(lambda x: segmenter(x).transpose(0, 2, 3, 1), Region(1, SQUARE)).GetMask(X)
