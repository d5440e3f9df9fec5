"""GuidedIG, BlurIG and XRAI of PAIR's interface."""

from functools import partial
from unittest import mock

import numpy as np
import pytest

import saliency.compat.pair.core as pair
from saliency.compat.pair.core import xrai
from tests.compat.pair.key_function import Quadratic

SHAPE = (8, 7, 2)
X = np.random.default_rng(1).random(SHAPE)


@pytest.mark.parametrize("options", [{}, {"fraction": 0.5, "max_dist": 1.0}, {"max_dist": 0.0}])
def test_guided_integrated_gradients_call_once_per_step_and_are_complete(options):
    function, start = Quadratic(SHAPE), np.full(SHAPE, 0.3)
    mask = pair.GuidedIG().GetMask(X, function, None, start, 40, **options)
    assert function.batches == [1] * 40
    change = (function.a * (X - start) + function.b * (X**2 - start**2)).sum()
    assert mask.sum() == pytest.approx(change, abs=0.03 * np.abs(mask).sum())


def test_guided_integrated_gradients_of_a_linear_function_in_nested_lists():
    def linear(batch, call_model_args, expected_keys):
        return {"INPUT_OUTPUT_GRADIENTS": [[1.0, 2.0, -3.0]]}

    assert pair.GuidedIG().GetMask([5.0, 6.0, 7.0], linear, x_steps=10) == pytest.approx([5, 12, -21])


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("root", [False, True])
def test_blur_integrated_gradients_are_a_sum_of_finite_differences(root, size):
    ndimage = pytest.importorskip("scipy.ndimage")
    function, steps, expected = Quadratic(SHAPE), 7, np.zeros(SHAPE)
    sigmas = np.arange(steps + 1) * 4.0 / steps
    sigmas = np.sqrt(sigmas) if root else sigmas

    def blurred(sigma):
        return ndimage.gaussian_filter(X, (sigma, sigma, 0), mode="constant")

    for sigma, width in zip(sigmas[:-1], np.diff(sigmas), strict=True):
        slope = (blurred(sigma + 0.01) - blurred(sigma)) / 0.01
        expected -= width * slope * (function.a + 2 * function.b * blurred(sigma))
    mask = pair.BlurIG().GetMask(X, function, max_sigma=4, steps=steps, sqrt=root, batch_size=size)
    assert mask == pytest.approx(expected, abs=1e-6)
    assert function.batches == ([1] * 7 if size == 1 else [3, 3, 1])
    assert pair.gaussian_blur(X, 1.3) == pytest.approx(blurred(1.3)) and (pair.gaussian_blur(X, 0) == X).all()


def halves():
    left, right = np.zeros((2, 8, 7), bool)
    left[:, :4], right[:, 3:] = True, True
    return [left, right]


def parameters(**options):
    found = pair.XRAIParameters(return_xrai_segments=True, return_ig_attributions=True, **options)
    found.experimental_params["min_pixel_diff"] = 1
    return found


@pytest.mark.parametrize("algorithm", ["full", "fast"])
def test_regions_have_the_mean_of_the_largest_attribution_over_channels(algorithm):
    attributions = np.random.default_rng(2).normal(size=(2, *SHAPE))
    attributions[..., 4:, :] += 5  # the right half comes first
    with mock.patch.object(xrai, "IntegratedGradients") as gradients:
        gradients.return_value.GetMask.side_effect = list(attributions)
        found = pair.XRAI().GetMaskWithDetails(
            X, print, "arguments", segments=halves(), batch_size=9, extra_parameters=parameters(algorithm=algorithm)
        )
    largest = attributions.mean(axis=0).max(axis=-1)
    assert found.attribution_mask[:, 3:] == pytest.approx(largest[:, 3:].mean())
    assert found.attribution_mask[:, :3] == pytest.approx(largest[:, :3].mean())
    assert found.segments.tolist() == [[2, 2, 2, 1, 1, 1, 1]] * 8
    assert (np.array(found.ig_attribution) == attributions).all()
    calls = gradients.return_value.GetMask.call_args_list
    assert [call.kwargs["batch_size"] for call in calls] == [9, 9]
    assert [np.unique(call.kwargs["x_baseline"]).tolist() for call in calls] == [[X.min()], [X.max()]]


def test_segments_as_masks_and_an_attribution_of_the_user():
    base, function = np.random.default_rng(3).normal(size=SHAPE), Quadratic(SHAPE)
    call = partial(pair.XRAI().GetMaskWithDetails, X, function, base_attribution=base, segments=halves())
    found = call(extra_parameters=parameters(flatten_xrai_segments=False))
    assert function.calls == [] and found.ig_attribution is found.baselines is None
    assert np.sum(found.segments, axis=0).tolist() == np.ones((8, 7)).tolist() and len(found.segments) == 2
    means = [found.attribution_mask[segment] for segment in found.segments]
    assert means[0].mean() > means[1].mean() and max(one.std() for one in means) < 1e-12
    plain = call()
    assert plain.segments is None and plain.attribution_mask.shape == (8, 7)
    smoothed = pair.XRAI().GetSmoothedMask(X, function, nsamples=2, base_attribution=base, segments=halves())
    assert smoothed.shape == (8, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_attribution": X[0]}, "The base attribution shape should be the same as the shape of `x_value`"),
        ({"baselines": [X[0]]}, r"Baseline size \(7, 2\) does not match input size \(8, 7, 2\)"),
        ({"baselines": []}, "`baselines` .length 0. must hold at least one"),
        ({"extra_parameters": pair.XRAIParameters(algorithm="slow")}, "Unknown algorithm type: slow"),
        ({"base_attribution": X, "segments": []}, "`segments` .shape .0,.. must be at least one boolean mask"),
        ({"base_attribution": X * np.nan, "segments": halves()}, "NaN"),
    ],
)
def test_errors_of_xrai(options, message):
    with pytest.raises(ValueError, match=message):
        pair.XRAI().GetMask(X, Quadratic(SHAPE), **options)
