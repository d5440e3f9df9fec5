"""Options of methods: names, positions and booleans."""

import re

import numpy as np
import pytest

import saliency
from saliency import Vanilla
from tests.reference import linear, quadratic

RNG = np.random.default_rng(0)
W = RNG.normal(size=(4, 3, 5, 6))
X = RNG.normal(size=(7, 3, 5, 6))


def test_options_are_the_method_s_and_may_be_given_to_the_constructor():
    with pytest.raises(saliency.InputError, match="`steps` is not an option of Vanilla"):
        Vanilla(linear(W), 0).GetMask(X[0], steps=3)
    with pytest.raises(saliency.InputError, match="`steps` is not an option of GuidedBackprop"):
        saliency.GuidedBackprop(linear(W), 0, steps=3)
    assert saliency.GuidedBackprop(linear(W), 0, allow_no_relu=True).options == {"allow_no_relu": True}


BOOLEANS = [
    (saliency.Vanilla, "allow_no_relu"),
    (saliency.GuidedBackprop, "allow_no_relu"),
    (saliency.Deconvnet, "allow_no_relu"),
    (saliency.GradCAM, "should_resize"),
    (saliency.ScoreCAM, "three_dims"),
    (saliency.LayerCAM, "allow_no_relu"),
    (saliency.GuidedGradCAM, "allow_no_relu"),
    (saliency.IntegratedGradients, "details"),
    (saliency.Occlusion, "average"),
]


@pytest.mark.parametrize("wrong", ["False", "no", 0, 1, None, [], np.array([True, False])], ids=repr)
@pytest.mark.parametrize(("kind", "name"), BOOLEANS)
def test_a_boolean_option_is_true_or_false_and_nothing_else(kind, name, wrong):
    rule = re.escape(f"`{name}` (={wrong!r}) must be True or False")
    with pytest.raises(saliency.InputError, match=rule):
        kind(linear(W), 0, **{name: wrong})
    with pytest.raises(saliency.InputError, match=rule):
        kind(linear(W), 0).GetMask(X[0], **{name: wrong})


@pytest.mark.parametrize("name", ["magnitude", "antithetic", "standard_error", "progress"])
def test_smoothing_s_booleans_and_the_bar_s_are_checked_too(name):
    with pytest.raises(saliency.InputError, match=rf"`{name}` \(='False'\) must be True or False"):
        Vanilla(linear(W), 0).GetSmoothedMask(X[0], nsamples=4, **{name: "False"})


def test_booleans_of_numpy_are_booleans():
    x, yes, no = X[0], np.True_, np.False_
    ours = saliency.Occlusion(linear(W), 0, logits=yes).GetMask(x, size=2, average=yes, progress=no)
    np.testing.assert_array_equal(ours, saliency.Occlusion(linear(W), 0).GetMask(x, size=2, average=True))
    smooth = saliency.Vanilla(linear(W), 0).GetSmoothedMask(x, magnitude=no, antithetic=yes, nsamples=4, seed=0)
    np.testing.assert_allclose(smooth, W[0], rtol=1e-9)


def test_a_user_s_own_method_has_its_booleans_checked():
    class Own(saliency.SaliencyMask):
        def masks(self, score, x, doubled: "bool" = False, other=False):
            return 2 * x if doubled else x

    np.testing.assert_array_equal(Own(linear(W), 0, other="anything").GetMask(X[0], doubled=True), 2 * X[0])
    with pytest.raises(saliency.InputError, match=r"`doubled` \(='no'\) must be True or False"):
        Own(linear(W), 0, doubled="no")


class Plain(saliency.SaliencyMask):
    """A method without options."""

    def masks(self, score, x):
        return score.gradients(x)


def test_options_by_position_and_by_name_are_the_same():
    mask = saliency.IntegratedGradients(quadratic([1]), 0)
    np.testing.assert_array_equal(mask.GetMask(X[0], None, 1.0, 7), mask.GetMask(X[0], x_baseline=1.0, x_steps=7))
    with pytest.raises(saliency.InputError, match="`x_baseline` is passed twice"):
        mask.GetMask(X[0], None, 1.0, x_baseline=2.0)
    with pytest.raises(saliency.InputError, match=r"1 option\(s\) are passed by position; Plain accepts: no options"):
        Plain(quadratic([1]), 0).GetMask(X[0], None, 3)
