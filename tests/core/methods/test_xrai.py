"""XRAI: known maps, and a slow reference that grows sets of pixels."""

from functools import partial

import numpy as np
import pytest

import saliency
from saliency import XRAI, PerSample
from tests.reference import linear, quadratic

pytest.importorskip("skimage")

RNG = np.random.default_rng(0)
W = RNG.normal(size=(2, 3, 12, 10))
X = RNG.normal(size=(3, 3, 12, 10))
ATTRIBUTION = RNG.normal(size=(12, 10))
QUARTERS = np.kron([[0, 1], [2, 3]], np.ones((6, 5), int))
OVERLAPPING = np.stack([np.roll(RNG.random((12, 10)) < share, i) for i, share in enumerate([0.1, 0.3, 0.3, 0.6, 0.9])])


def reference(attribution, segments, algorithm, min_pixels, area=1.0):
    """Add the pixels of segments to a set, each time those with the largest mean."""
    values = {place: float(value) for place, value in np.ndenumerate(attribution)}
    left = [{tuple(map(int, place)) for place in np.argwhere(one)} for one in segments]

    def mean(pixels):
        return sum(values[place] for place in pixels) / len(pixels)

    covered, found = set(), {}
    if algorithm == "fast":
        left.sort(key=mean, reverse=True)
    while left and len(covered) <= area * len(values):
        left = [one for one in left if len(one - covered) >= min_pixels]
        if not left:
            break
        best = left[0] if algorithm == "fast" else max(left, key=lambda one: mean(one - covered))
        found |= dict.fromkeys(best - covered, mean(best - covered))
        covered |= best
        left.remove(best)
    rest = set(values) - covered
    found |= dict.fromkeys(rest, mean(rest) if rest else None)
    return np.array([[found[i, j] for j in range(attribution.shape[1])] for i in range(attribution.shape[0])])


@pytest.mark.parametrize("algorithm", ["full", "fast"])
@pytest.mark.parametrize("min_pixels", [1, 9])
def test_equals_a_slow_reference(algorithm, min_pixels):
    options = {"algorithm": algorithm, "min_pixels": min_pixels, "base": ATTRIBUTION}
    for regions in (OVERLAPPING, OVERLAPPING[:2]):
        mask = XRAI(linear(W), 0).GetMask(X[0], regions=regions, **options)
        np.testing.assert_allclose(mask, reference(ATTRIBUTION, regions, algorithm, min_pixels), rtol=1e-9)
        assert mask.sum() == pytest.approx(ATTRIBUTION.sum())
        ranks = mask.details["ranks"]
        means = [np.unique(mask[ranks == rank].round(12)) for rank in range(1, ranks.max() + 1)]
        assert all(
            len(one) == 1 for one in means
        )  # a rank is a part of one value; only what is not covered can be out of order
        assert (np.diff(np.ravel(means)[:-1]) <= 0).all()


def test_growth_stops_at_an_area():
    mask = XRAI(linear(W), 0).GetMask(X[0], regions=QUARTERS, base=ATTRIBUTION, min_pixels=1, area=0.3)
    expected = reference(ATTRIBUTION, [i == QUARTERS for i in range(4)], "full", 1, area=0.3)
    np.testing.assert_allclose(mask, expected, rtol=1e-9)
    assert len(np.unique(expected)) == 3 and mask.details["ranks"].max() == 3


def test_the_base_is_integrated_gradients_from_black_and_white():
    mask = XRAI(linear(W), 1).GetMask(X[0], regions=QUARTERS, min_pixels=1)
    attribution = (W[1] * (X[0] - (X[0].min() + X[0].max()) / 2)).max(axis=0)
    np.testing.assert_allclose(mask, [[attribution[i == QUARTERS].mean() for i in row] for row in QUARTERS], rtol=1e-9)


@pytest.mark.parametrize(
    "base",
    [saliency.InputXGradient, partial(saliency.IntegratedGradients, x_steps=3), (W[1] * X[0]), (W[1] * X[0]).max(axis=0)],
)
def test_any_attribution_can_be_the_base(base):
    mask = XRAI(linear(W), 1).GetMask(X[0], regions=QUARTERS, min_pixels=1, base=base)
    np.testing.assert_allclose(mask, reference((W[1] * X[0]).max(axis=0), [i == QUARTERS for i in range(4)], "full", 1))


def test_several_inputs_with_their_own_regions_and_targets():
    regions = [QUARTERS, [QUARTERS, QUARTERS // 2], lambda image: (image[..., 0] > 0).astype(int)]
    options = {"min_pixels": 1, "base": saliency.InputXGradient}
    masks = XRAI(linear(W), batch_size=2).GetMasks(X, y=[0, 1, 1], regions=PerSample(regions), **options)
    for mask, x, y, one in zip(masks, X, [0, 1, 1], regions, strict=True):
        np.testing.assert_allclose(mask, XRAI(linear(W), y).GetMask(x, regions=one, **options))
    given = XRAI(linear(W), 0).GetMasks(X, regions=QUARTERS, base=PerSample(X), min_pixels=1)
    np.testing.assert_allclose(given[2], XRAI(linear(W), 1).GetMask(X[0], regions=QUARTERS, base=X[2], min_pixels=1))


def test_the_segments_of_felzenszwalb_follow_an_object_at_any_value_range():
    scene = np.zeros((3, 60, 60))
    scene[:, 20:40, 10:35] = 1
    masks = [
        XRAI(quadratic([1]), 0).GetMask(scene * scale + shift, base=np.where(scene > 0, 1.0, 0.0))
        for scale, shift in ((1, 0), (255, -3))
    ]
    np.testing.assert_array_equal(*masks)
    inside = scene[0] > 0
    assert masks[0][inside].mean() > 0.9 and masks[0][~inside].mean() < 0.05
    assert masks[0].sum() == pytest.approx(inside.sum())


def test_a_constant_image_is_one_region():
    mask = XRAI(linear(W), 0).GetMask(np.ones((3, 12, 10)), base=ATTRIBUTION)
    np.testing.assert_allclose(mask, ATTRIBUTION.mean())
    with pytest.warns(saliency.ZeroGradientWarning):
        assert not XRAI(linear(W), 0).GetMask(np.ones((3, 12, 10))).any()


def test_it_can_be_smoothed():
    options = {"regions": QUARTERS, "min_pixels": 1, "base": saliency.InputXGradient}
    masks = [XRAI(linear(W), 0).GetSmoothedMask(X[0], nsamples=3, seed=seed, magnitude=False, **options) for seed in (0, 0, 1)]
    assert masks[0].shape == (12, 10) and len(np.unique(masks[0])) == 4
    assert np.array_equal(masks[0], masks[1]) and not np.allclose(masks[0], masks[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "quick"}, "`algorithm` .='quick'. must be"),
        ({"min_pixels": 0}, "`min_pixels` .=0. must be a whole number, 1 or more"),
        ({"area": 2}, "`area` .=2. must be a finite number, from 0 to 1"),
        ({"regions": "slic0"}, '`regions` .=.slic0.. must be "felzenszwalb", an array'),
        ({"regions": QUARTERS.T}, r"`regions` .shape .10, 12.. must have the image's rows and columns .12, 10."),
        ({"regions": QUARTERS - 1}, "`regions` .smallest label -1. must hold labels of 0 or more"),
        ({"regions": QUARTERS + 0.5}, "`regions` .array of float64. must hold whole numbers"),
        ({"regions": (QUARTERS, 1)}, "`regions` .tuple. must be an array of numbers"),
        ({"regions": QUARTERS > 9}, "`regions` .boolean masks. must hold at least one pixel"),
        ({"base": np.ones((4, 4))}, r"`base` .shape .4, 4.. must give an array of the input's shape .3, 12, 10. or .12, 10."),
        ({"base": lambda model: 3}, "`base` .=.*must be a mask class"),
        ({"base": len}, "`base` .=.built-in function len.. must be a mask class, .*: object of type .* has no len"),
        ({"base": partial(saliency.Vanilla, y=1)}, "`base` must have no `y` and no `modifier`"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(saliency.InputError, match=message):
        XRAI(linear(W), 0).GetMask(X[0], **{"regions": QUARTERS, **options})


def test_other_inputs_than_images_and_infinite_attributions_are_errors():
    with pytest.raises(saliency.InputError, match="must be an image with two spatial axes"):
        XRAI(linear(np.ones((1, 7))), 0).GetMask(np.ones(7))
    with pytest.raises(saliency.GradientError, match="holds NaN or infinite values"):
        XRAI(linear(np.full((1, 3, 12, 10), np.nan)), 0).GetMask(X[0], regions=QUARTERS)
    with pytest.raises(saliency.InputError, match="does not use gradients"):
        XRAI(linear(W), 0, modifier="absolute").GetMask(X[0], base=saliency.Occlusion, regions=QUARTERS)
