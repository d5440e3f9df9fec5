"""Performance information curves, against a curve that is computed pixel by pixel and channel by channel."""

import io

import numpy as np
import pytest
from PIL import Image

import saliency
from saliency import InputError
from saliency.metrics import pic
from saliency.metrics.inpainting import interpolate_picture

interpolate = pytest.importorskip("scipy.interpolate")
RNG = np.random.default_rng(0)
PATCH = np.zeros((24, 20))
PATCH[8:16, 6:14] = 1
PICTURES = RNG.integers(0, 256, (2, 24, 20, 3)).astype(np.uint8)
OPTIONS = {"prepare": lambda picture: picture.astype(np.float32) / 255, "least": 0.5}


def contrast_of_the_patch(x):
    inside = x[:, 8:16, 6:14]
    contrast = ((inside[:, 1:] - inside[:, :-1]) ** 2).mean(axis=(1, 2, 3)) * 10
    return np.stack([contrast * 0, contrast], axis=1)


MODEL = saliency.wrap(contrast_of_the_patch, channel_axis=-1)


def size(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=100)
    return len(buffer.getvalue())


def blurred(picture, known):
    """Interpolate each channel alone."""
    known = known.copy()
    known[[0, 0, -1, -1], [0, -1, 0, -1]] = True
    channels = [
        interpolate.griddata(np.argwhere(known), channel[known], np.argwhere(np.ones_like(known)), "linear", channel.mean())
        for channel in np.moveaxis(picture.astype(float), -1, 0)
    ]
    return np.round(np.stack(channels, axis=-1).reshape(picture.shape)).astype(np.uint8)


def test_one_interpolation_serves_all_channels():
    known = RNG.random((24, 20)) < 0.2
    found = interpolate_picture(PICTURES[0], known).astype(int)
    assert np.abs(found - blurred(PICTURES[0], known)).max() <= 1  # the rounding of a half
    np.testing.assert_array_equal(found[known], PICTURES[0][known])


def test_the_area_is_that_of_the_definition():
    maps, fractions = RNG.random((2, 24, 20)), (0.1, 0.3, 0.6)
    found = pic(MODEL, PICTURES, maps, 1, fractions=fractions, known=0.0, **OPTIONS)
    for i, picture in enumerate(PICTURES):
        versions = [picture, blurred(picture, np.zeros((24, 20), bool))]
        versions += [blurred(picture, maps[i] >= np.quantile(maps[i], 1 - fraction)) for fraction in fractions]
        scores = contrast_of_the_patch(np.stack(versions) / 255)[:, 1]
        sizes = np.array([size(one) for one in versions], float)
        x, y = (np.clip((one[2:] - one[1]) / (one[0] - one[1]), 0, 1) for one in (sizes, scores))
        curve = np.interp(found.curve.x, [0, *x, 1], [0, *np.maximum.accumulate(y), 1])
        np.testing.assert_allclose(found.value[i], np.trapezoid(curve, found.curve.x), atol=0.01)


def test_the_map_of_the_patch_wins_and_the_batch_size_does_not_matter():
    right = pic(MODEL, PICTURES, [PATCH + 1e-3 * RNG.random(PATCH.shape)] * 2, 1, **OPTIONS)
    wrong = pic(MODEL, PICTURES, [-PATCH + 1e-3 * RNG.random(PATCH.shape)] * 2, 1, **OPTIONS)
    assert (right.value > wrong.value + 0.3).all() and right.higher_is_better
    again = pic(MODEL, PICTURES, [PATCH] * 2, 1, batch_size=1, **OPTIONS)
    np.testing.assert_allclose(again.value, pic(MODEL, PICTURES, [PATCH] * 2, 1, **OPTIONS).value, rtol=1e-5)


def test_accuracy_is_0_or_1():
    shifted = saliency.wrap(lambda x: contrast_of_the_patch(x) + np.array([[0.5, 0]]), channel_axis=-1)
    curve = pic(shifted, PICTURES, [PATCH] * 2, 1, curve="accuracy", **OPTIONS).curve.y
    assert ((curve[:, 0] == 0) & (curve[:, -1] == 1)).all()
    whole = pic(shifted, PICTURES, [PATCH] * 2, 0, curve="accuracy", **OPTIONS)
    assert np.isnan(whole.value).all()  # the whole pictures are not of this class
    assert whole.figure() is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pictures": PICTURES / 255}, r"`pictures\[0\]` \(float64"),
        ({"curve": "auc"}, "`curve`"),
        ({"fractions": []}, "`fractions`"),
        ({"fractions": [2.0]}, "`fractions`"),
        ({"fractions": 0.5}, r"`fractions` \(=0.5\) must be a sequence"),
        ({"pictures": PICTURES[:, :1]}, "at least 2 rows"),
    ],
)
def test_errors(options, message):
    arguments = {"pictures": PICTURES, "masks": [PATCH] * 2, "y": 1, **OPTIONS, **options}
    with pytest.raises(InputError, match=message):
        pic(MODEL, **arguments)
